/** The SSH handshake and authentication over a stream that is already connected. */
import { type AnyAuthMethod, Client } from "ssh2";
import { abortReason } from "../../lib/operation.js";
import type { Duplex } from "node:stream";
import type { Endpoint } from "./endpoint.js";
import { errorText } from "../../lib/go.js";

/** @throws in the words of the official plugin's SSH library. */
export function handshake(stream: Duplex, endpoint: Endpoint, stop: AbortSignal): Promise<Client> {
  return new Promise((resolve, reject) => {
    const client = new Client();
    const seen = new SeenAlgorithms();
    const fail = (error: Error) => {
      stop.removeEventListener("abort", abort);
      client.destroy();
      stream.destroy();
      reject(error);
    };
    const abort = () => {
      fail(abortReason(stop));
    };
    if (stop.aborted) {
      abort();
      return;
    }
    stop.addEventListener("abort", abort);
    client.on("error", (error) => {
      fail(handshakeError(describe(error, endpoint, seen)));
    });
    client.once("close", () => {
      fail(handshakeError("EOF"));
    });
    client.once("ready", () => {
      stop.removeEventListener("abort", abort);
      resolve(client);
    });
    client.connect({
      sock: stream,
      username: endpoint.user,
      // The official plugin sets no limit here either: its time-out is for reaching the port.
      readyTimeout: 0,
      authHandler: authenticate(endpoint, fail),
      ...hostKeyOptions(endpoint),
      ...(endpoint.hostKey === undefined ? {} : { debug: seen.note }),
    });
  });
}

function handshakeError(reason: string): Error {
  return new Error(`ssh: handshake failed: ${reason}`);
}

/** With a host key given, no other key and no other algorithm than that key's is accepted. */
function hostKeyOptions({ hostKey }: Endpoint) {
  if (hostKey === undefined) return { hostVerifier: () => true };
  return {
    hostVerifier: (offered: Buffer) => offered.equals(hostKey.blob),
    algorithms: { serverHostKey: [hostKey.type] },
  };
}

/** Which host key algorithms the server offered: ssh2 tells it only in its debug output. */
class SeenAlgorithms {
  offered = "";

  readonly note = (line: string) => {
    this.offered = /^Handshake: \(remote\) Host key format: (.*)$/.exec(line)?.[1] ?? this.offered;
  };
}

function describe(error: Error, { hostKey }: Endpoint, seen: SeenAlgorithms): string {
  const { message } = error;
  if (message.startsWith("Host denied")) return "ssh: host key mismatch";
  if (message.includes("no matching host key format")) {
    const offered = seen.offered.split(/[, ]+/).join(" ");
    return `ssh: no common algorithm for host key; we offered: [${hostKey?.type ?? ""}], peer offered: [${offered}]`;
  }
  if ("code" in error && typeof error.code === "number") {
    return `ssh: disconnect, reason ${error.code}: ${message}`;
  }
  return /Connection lost|ECONNRESET/.test(message) ? "EOF" : errorText(error);
}

type Authenticate = (
  left: string[] | null,
  partial: boolean,
  next: (method: AnyAuthMethod) => void,
) => void;

/** Tries "none" first, then each way that the server still accepts, each once. */
function authenticate(endpoint: Endpoint, fail: (error: Error) => void): Authenticate {
  const methods = authMethods(endpoint);
  const attempted: string[] = [];
  return (left, partial, next) => {
    if (left === null) {
      attempted.push("none");
      next({ type: "none", username: endpoint.user });
      return;
    }
    if (partial) attempted.pop();
    const found = methods.find(({ name }) => left.includes(name) && !attempted.includes(name));
    if (found === undefined) {
      const list = attempted.join(" ");
      fail(
        handshakeError(
          `ssh: unable to authenticate, attempted methods [${list}], no supported methods remain`,
        ),
      );
      return;
    }
    methods.splice(methods.indexOf(found), 1);
    attempted.push(found.name);
    next(found.method);
  };
}

interface NamedMethod {
  /** As the server names it. */
  readonly name: string;
  readonly method: AnyAuthMethod;
}

function authMethods({ user, key, password, agentSocket }: Endpoint): NamedMethod[] {
  const username = user;
  const methods: NamedMethod[] = [];
  if (key !== undefined) {
    methods.push({ name: "publickey", method: { type: "publickey", username, key } });
  }
  if (password !== undefined) {
    methods.push({ name: "password", method: { type: "password", username, password } });
    methods.push({
      name: "keyboard-interactive",
      method: {
        type: "keyboard-interactive",
        username,
        prompt: (_name, _instructions, _language, prompts, finish) => {
          finish(prompts.map(() => password));
        },
      },
    });
  }
  if (agentSocket !== undefined) {
    methods.push({ name: "publickey", method: { type: "agent", username, agent: agentSocket } });
  }
  return methods;
}
