import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../components/core/host";
import { PlainError } from "../components/core/plain-error";
import { asRoot, readScript } from "../components/core/remote-script";
import { lastLine, runOverSsh, type SshTarget, targetOf } from "../components/core/ssh";
import { parseReport, type Report } from "./report";

/** What came of an attempt to sign in to a machine. */
export type MachineState =
  /** Lets us in, and lets us be root. */
  | "answers"
  /** Says nothing: it is off, still starting, or something keeps us from it. */
  | "silent"
  /** Is another machine than the configuration says. We did not try to sign in. */
  | "otherHostKey"
  /** Does not take our key. */
  | "loginRefused"
  /** Lets us in, but not be root. */
  | "notRoot"
  /** Answers, but in a way that is none of these. */
  | "failed";

/** The state of a machine and what was said about it, on one line and without anything secret. */
export interface Finding {
  state: MachineState;
  said: string;
  /** What one that answers told of itself. */
  report?: Report;
}

/** How long a machine that says nothing is asked again: it may be starting. Seconds. */
const SILENT_SECONDS = 15;
const PAUSE_SECONDS = 1;
/** Longest attempt: some machines look names up before they let anybody in. Seconds. */
const ATTEMPT_SECONDS = 20;

/** As every remote script. The remark tells it apart in the machine's log. */
const COMMAND = asRoot("trivet-probe");
/** Ends well whatever happens in it: only who is not let in or cannot be root fails. */
const SCRIPT = `{\n${readScript(__dirname, "probe.sh")}exit 0\n}\n`;
/** With this code ssh ends by itself; any other is the remote command's. */
const SSH_FAILED = 255;

const SIGNS: readonly (readonly [RegExp, MachineState])[] = [
  [/REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed/, "otherHostKey"],
  [/Permission denied|Too many authentication failures/, "loginRefused"],
  [
    /timed? ?out|refused|No route to host|unreachable|Could not resolve|closed by|reset by|Connection closed/i,
    "silent",
  ],
];

/**
 * What an ssh that ended means.
 *
 * @param code Its exit code; null when it was ended for taking too long.
 * @param output What it and the machine printed.
 */
export function classify(code: number | null, output: string): Finding {
  if (code === 0) return { state: "answers", said: "" };
  if (code === null) return { state: "silent", said: `no answer within ${ATTEMPT_SECONDS} s` };
  const said = lastLine(output);
  if (code !== SSH_FAILED) return { state: "notRoot", said };
  const [, state = "failed"] = SIGNS.find(([sign]) => sign.test(output)) ?? [];
  if (state !== "otherHostKey") return { state, said };
  const [fingerprint = ""] = /SHA256:[A-Za-z0-9+/]+/.exec(output) ?? [];
  return { state, said: fingerprint };
}

/**
 * Tries to sign in to every machine at a time, with the very ssh that Docker's `ssh://` runs, and
 * changes nothing. One that says nothing is asked again for {@link SILENT_SECONDS}.
 *
 * @throws PlainError when there is no ssh here.
 */
export async function probeMachines(hosts: readonly Host[]): Promise<Record<string, Finding>> {
  const found = hosts.map(async (host): Promise<[string, Finding]> => {
    return [host.name, await probeMachine(await targetOf(host))];
  });
  return Object.fromEntries(await Promise.all(found));
}

async function probeMachine(target: SshTarget): Promise<Finding> {
  const deadline = Date.now() + SILENT_SECONDS * 1000;
  for (;;) {
    const finding = await attempt(target);
    if (finding.state !== "silent" || Date.now() > deadline) return finding;
    await sleep(PAUSE_SECONDS * 1000);
  }
}

async function attempt(target: SshTarget): Promise<Finding> {
  const started = seconds();
  let asked = started;
  // Its clock is looked at from then on: a login takes longer than clocks may be apart.
  const sent = () => (asked = seconds());
  const reply = { to: "trivet-ready", sent };
  const ran = await runOverSsh(target, COMMAND, ATTEMPT_SECONDS, SCRIPT, reply);
  const { code, stdout, stderr } = ran;
  const ended = seconds();
  if (code === null && ended - started < ATTEMPT_SECONDS * 0.9) {
    throw new PlainError("ssh does not start here: install the OpenSSH client");
  }
  const finding = classify(code, `${stdout}\n${stderr}`);
  if (finding.state !== "answers") return finding;
  return { ...finding, report: parseReport(stdout, asked, ended) };
}

/** By a clock that nobody sets. */
function seconds(): number {
  return (performance.timeOrigin + performance.now()) / 1000;
}
