import { type CommandOutput, collect, readRunArgs, revealMap, type RunArgs } from "./run.js";
import { CanceledError, type Log, type Operation } from "../lib/operation.js";
import { CommandResource } from "./command.js";
import { dial } from "./ssh/dial.js";
import { errorText, goQuote } from "../lib/go.js";
import { readRoute } from "./ssh/endpoint.js";
import { REMOTE_COMMAND } from "./properties.js";
import type { PropertyMap } from "../lib/values.js";
import { Session } from "./ssh/session.js";

export class RemoteCommand extends CommandResource {
  constructor() {
    super(REMOTE_COMMAND);
  }

  protected override async run(
    command: string,
    inputs: PropertyMap,
    before: CommandOutput,
    operation: Operation,
  ): Promise<CommandOutput> {
    const args = readRunArgs(command, inputs, before);
    const route = readRoute(revealMap(inputs, "connection"));
    const connection = await dial(route, operation.log, operation.signal);
    try {
      const session = await Session.open(connection.client);
      await setEnvironment(session, args, operation.log);
      const running = { log: operation.log, signal: onlyCancel(operation.signal) };
      return await collect(args, running, (output, stop) =>
        session.run(args.command, args.stdin, output, stop),
      );
    } finally {
      connection.close();
    }
  }
}

async function setEnvironment(session: Session, args: RunArgs, log: Log): Promise<void> {
  for (const [name, value] of Object.entries(args.environment)) {
    await session.setEnv(name, value).catch((error: unknown) => {
      log.message("error", refusedText(name));
      const reason = `could not set environment variable ${goQuote(name)}: ${errorText(error)}`;
      throw new Error(reason, { cause: error });
    });
  }
  for (const [name, value] of Object.entries(args.previous)) {
    await session.setEnv(name, value).catch(() => {
      log.message("warning", refusedText(name));
    });
  }
}

function refusedText(name: string): string {
  return (
    `Unable to set '${name}'. This only works if your SSH server is configured to accept\n` +
    "\tthese variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on " +
    "the remote host, you could\n" +
    "\tprefix the command itself with the variables in the form 'VAR=value command'"
  );
}

/**
 * A custom time-out bounds the dialing only: in the official plugin a command that runs is not
 * ended by it. A cancel does end it here, so that an interrupted test leaves nothing running.
 */
function onlyCancel(signal: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const forward = () => {
    if (signal.reason instanceof CanceledError) controller.abort(signal.reason);
  };
  if (signal.aborted) forward();
  signal.addEventListener("abort", forward);
  return controller.signal;
}
