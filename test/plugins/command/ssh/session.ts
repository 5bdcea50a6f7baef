/**
 * One command in one session. A variable that the server refuses must be known before the command
 * starts; ssh2's own `exec` does not ask for that answer, so the session is opened one level below.
 */
import { abortReason } from "../../lib/operation.js";
import type { Client, ClientChannel } from "ssh2";
import type { OutputCollector } from "../output.js";
import { rejection } from "./rejection.js";

const WINDOW_BYTES = 2 * 1024 * 1024;
const PACKET_BYTES = 32 * 1024;

interface Protocol {
  session(channel: number, window: number, packet: number): void;
  env(channel: number, name: string, value: string, wantReply: boolean): void;
  exec(channel: number, command: string, wantReply: boolean): void;
}

interface ClientInternals {
  _chanMgr: { add(opened: (error: Error | undefined, channel: SessionChannel) => void): number };
  _protocol: Protocol;
}

/** A channel before a program runs in it. */
type SessionChannel = ClientChannel & {
  outgoing: { id: number };
  _callbacks: ((failed: boolean | Error) => void)[];
  subtype: string;
  allowHalfOpen: boolean;
};

function hasInternals(client: object): client is ClientInternals {
  return "_chanMgr" in client && "_protocol" in client;
}

export class Session {
  private constructor(
    private readonly protocol: Protocol,
    private readonly channel: SessionChannel,
  ) {}

  static async open(client: Client): Promise<Session> {
    const internals: object = client;
    if (!hasInternals(internals)) throw new Error("this version of ssh2 is not supported");
    const { _chanMgr: channels, _protocol: protocol } = internals;
    const channel = await new Promise<SessionChannel>((resolve, reject) => {
      const lost = () => {
        reject(new Error("ssh: unexpected packet in response to channel open: <nil>"));
      };
      client.once("close", lost);
      const id = channels.add((error, opened) => {
        client.removeListener("close", lost);
        if (error === undefined) resolve(opened);
        else reject(rejection(error));
      });
      protocol.session(id, WINDOW_BYTES, PACKET_BYTES);
    });
    return new Session(protocol, channel);
  }

  /** @throws Error "ssh: setenv failed" if the server does not accept the variable. */
  async setEnv(name: string, value: string): Promise<void> {
    await this.request("ssh: setenv failed", () => {
      this.protocol.env(this.channel.outgoing.id, name, value, true);
    });
  }

  /** Runs the command to its end. @throws with its exit status, or when `stop` is aborted. */
  async run(
    command: string,
    stdin: string,
    output: OutputCollector,
    stop: AbortSignal,
  ): Promise<void> {
    const { channel } = this;
    channel.on("data", (chunk: Buffer) => {
      output.add("stdout", chunk);
    });
    channel.stderr.on("data", (chunk: Buffer) => {
      output.add("stderr", chunk);
    });
    channel.on("error", () => undefined);
    const ended = this.ended(stop);
    const started = this.request(`ssh: command ${command} failed`, () => {
      this.protocol.exec(channel.outgoing.id, command, true);
    }).then(() => {
      channel.subtype = "exec";
      channel.allowHalfOpen = true;
      channel.end(stdin);
      return ended;
    });
    // Whichever comes first: a session may be lost before the server has answered.
    await Promise.race([started, ended]);
  }

  private request(failure: string, send: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.channel._callbacks.push((failed) => {
        if (failed === false) resolve();
        else reject(new Error(failure));
      });
      send();
    });
  }

  private ended(stop: AbortSignal): Promise<void> {
    const { channel } = this;
    return new Promise((resolve, reject) => {
      let exit: Error | undefined = new Error(
        "wait: remote command exited without exit status or exit signal",
      );
      const abort = () => {
        // OpenSSH delivers it to other users' commands only; root's end when they next write.
        channel.signal("TERM");
        channel.close();
        reject(abortReason(stop));
      };
      if (stop.aborted) abort();
      stop.addEventListener("abort", abort);
      channel.on("exit", (code: number | null, signal?: string, _dump?: unknown, text?: string) => {
        exit = exitError(code, signal, text);
      });
      channel.once("close", () => {
        stop.removeEventListener("abort", abort);
        if (exit === undefined) resolve();
        else reject(exit);
      });
    });
  }
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  ABRT: 6,
  ALRM: 14,
  FPE: 8,
  HUP: 1,
  ILL: 4,
  INT: 2,
  KILL: 9,
  PIPE: 13,
  QUIT: 3,
  SEGV: 11,
  TERM: 15,
};

function exitError(code: number | null, signal?: string, text?: string): Error | undefined {
  if (code === 0) return undefined;
  if (code !== null) return new Error(`Process exited with status ${code}`);
  const name = (signal ?? "").replace(/^SIG/, "");
  const status = 128 + (SIGNAL_NUMBERS[name] ?? 0);
  const reason = text === undefined || text === "" ? "" : `. Reason was: ${text}`;
  return new Error(`Process exited with status ${status} from signal ${name}${reason}`);
}
