/** Reaching a machine, directly or through a proxy, with the official plugin's retries and texts. */
import { abortReason, type Log } from "../../lib/operation.js";
import { connect, type Socket } from "node:net";
import { errorCode, errorText, goErrno, joinHostPort } from "../../lib/go.js";
import type { Client } from "ssh2";
import type { Duplex } from "node:stream";
import type { Endpoint, Route } from "./endpoint.js";
import { handshake } from "./handshake.js";
import { rejection } from "./rejection.js";
import { setTimeout as sleep } from "node:timers/promises";

const FIRST_DELAY_MILLISECONDS = 100;
const BACKOFF = 1.5;
const MAX_DELAY_MILLISECONDS = 5000;
const KEEP_ALIVE_MILLISECONDS = 15_000;

export interface Dialed {
  readonly client: Client;
  /** Ends the connection, and the one to the proxy below it. */
  close(): void;
}

/**
 * @throws Error "after N failed attempts: …" when the dial error limit is over; a message with
 * "proxy: " in front for whatever fails when there is one.
 */
export async function dial(route: Route, log: Log, stop: AbortSignal): Promise<Dialed> {
  const { target, proxy } = route;
  await checkAgent(target, stop);
  if (proxy === undefined) {
    const client = await retry("Dial", target, log, stop, () => dialEndpoint(target, stop));
    return { client, close: () => client.end() };
  }
  try {
    return await dialThrough(proxy, target, log, stop);
  } catch (error) {
    if (stop.aborted) throw error;
    throw new Error(`proxy: ${errorText(error)}`, { cause: error });
  }
}

async function dialThrough(
  proxy: Endpoint,
  target: Endpoint,
  log: Log,
  stop: AbortSignal,
): Promise<Dialed> {
  await checkAgent(proxy, stop);
  const outer = await retry("Dial proxy", proxy, log, stop, () => dialEndpoint(proxy, stop));
  try {
    const stream = await retry("Dial from proxy", target, log, stop, () => forward(outer, target));
    // The retries are on one and the same stream, so that only the first has a chance.
    const client = await retry("Dial", target, log, stop, () =>
      stream.destroyed
        ? Promise.reject(new Error("ssh: handshake failed: EOF"))
        : handshake(stream, target, stop),
    );
    const close = () => {
      client.end();
      outer.end();
    };
    return { client, close };
  } catch (error) {
    outer.end();
    throw error;
  }
}

async function dialEndpoint(endpoint: Endpoint, stop: AbortSignal): Promise<Client> {
  return handshake(await openTcp(endpoint, stop), endpoint, stop);
}

/** The limit counts repeats: with 10, the eleventh failure is the last. */
async function retry<T>(
  what: string,
  { dialErrorLimit }: Endpoint,
  log: Log,
  stop: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T> {
  let delay = FIRST_DELAY_MILLISECONDS;
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (stop.aborted) throw abortReason(stop);
      if (dialErrorLimit > -1 && failures > dialErrorLimit) {
        throw new Error(`after ${failures - 1} failed attempts: ${errorText(error)}`, {
          cause: error,
        });
      }
    }
    const limit = dialErrorLimit === -1 ? "inf" : String(dialErrorLimit);
    log.status("info", `${what} ${failures}/${limit} failed: retrying`);
    await sleep(delay, undefined, { signal: stop }).catch(() => {
      throw abortReason(stop);
    });
    delay = Math.min(delay * BACKOFF, MAX_DELAY_MILLISECONDS);
  }
}

function openTcp({ host, port, perDialTimeout }: Endpoint, stop: AbortSignal): Promise<Socket> {
  const address = joinHostPort(host, port);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    const fail = (reason: Error) => {
      socket.destroy();
      cleanUp();
      reject(reason);
    };
    const abort = () => {
      fail(abortReason(stop));
    };
    const timer =
      perDialTimeout > 0
        ? setTimeout(() => {
            fail(new Error(`dial tcp ${address}: i/o timeout`));
          }, perDialTimeout * 1000)
        : undefined;
    const cleanUp = () => {
      clearTimeout(timer);
      stop.removeEventListener("abort", abort);
    };
    stop.addEventListener("abort", abort);
    socket.once("error", (error) => {
      fail(new Error(tcpErrorText(error, host, port)));
    });
    socket.once("connect", () => {
      cleanUp();
      socket.removeAllListeners("error");
      socket.setKeepAlive(true, KEEP_ALIVE_MILLISECONDS);
      resolve(socket);
    });
  });
}

function tcpErrorText(error: Error, host: string, port: number): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  if (errorCode(first)?.startsWith("E") === true && errorText(first).startsWith("getaddrinfo")) {
    return `dial tcp: lookup ${host}: no such host`;
  }
  const reached = first instanceof Error && "address" in first ? String(first.address) : host;
  return `dial tcp ${joinHostPort(reached, port)}: connect: ${goErrno(first)}`;
}

function forward(proxy: Client, { host, port }: Endpoint): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    proxy.forwardOut("127.0.0.1", 0, host, port, (error, stream) => {
      if (error === undefined) resolve(stream);
      else reject(rejection(error));
    });
  });
}

/** The official plugin connects to the agent before it dials, even if a key is given. */
async function checkAgent({ agentSocket }: Endpoint, stop: AbortSignal): Promise<void> {
  if (agentSocket === undefined) return;
  if (stop.aborted) throw abortReason(stop);
  await new Promise<void>((resolve, reject) => {
    const socket = connect(agentSocket);
    socket.once("error", (error) => {
      reject(new Error(`dial unix ${agentSocket}: connect: ${goErrno(error)}`));
    });
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
  });
}
