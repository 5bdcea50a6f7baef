/** One machine to connect to, read from a connection's or a proxy's properties. */
import { type HostKey, parseHostKey, parsePrivateKey } from "./keys.js";
import { isMap, type PropertyMap, reveal } from "../../lib/values.js";
import { readNumber, readString } from "../../lib/read.js";
import type { ParsedKey } from "ssh2";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly key?: ParsedKey;
  /** The agent's socket. It is asked only if there is no key. */
  readonly agentSocket?: string;
  readonly hostKey?: HostKey;
  /** Failed attempts before giving up; -1 for no limit. */
  readonly dialErrorLimit: number;
  /** Seconds for one attempt to reach the port; 0 for no limit. */
  readonly perDialTimeout: number;
}

export interface Route {
  readonly target: Endpoint;
  readonly proxy?: Endpoint;
}

/** @throws before anything is dialed, and without retries, if a key or host key cannot be read. */
export function readRoute(connection: PropertyMap): Route {
  const target = readEndpoint(connection);
  const proxy = reveal(connection["proxy"]);
  if (!isMap(proxy)) return { target };
  try {
    return { target, proxy: readEndpoint(proxy) };
  } catch (error) {
    throw new Error(`proxy: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function readEndpoint(map: PropertyMap): Endpoint {
  const hostKey = readString(map, "hostKey");
  const privateKey = readString(map, "privateKey");
  const password = readString(map, "password");
  const agentSocket = readString(map, "agentSocketPath") ?? process.env["SSH_AUTH_SOCK"] ?? "";
  return {
    host: readString(map, "host") ?? "",
    port: Math.trunc(readNumber(map, "port") ?? 22),
    user: readString(map, "user") ?? "root",
    dialErrorLimit: Math.trunc(readNumber(map, "dialErrorLimit") ?? 10),
    perDialTimeout: Math.trunc(readNumber(map, "perDialTimeout") ?? 15),
    ...(hostKey === undefined ? {} : { hostKey: parseHostKey(hostKey) }),
    ...(privateKey === undefined
      ? {}
      : { key: parsePrivateKey(privateKey, readString(map, "privateKeyPassword")) }),
    ...(password === undefined ? {} : { password }),
    ...(agentSocket === "" ? {} : { agentSocket }),
  };
}
