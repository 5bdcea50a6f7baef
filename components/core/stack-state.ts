import { setTimeout as sleep } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";

/** A resource as the stack's last update left it. */
export interface StateResource {
  type: string;
  outputs: Readonly<Record<string, unknown>>;
}

interface Answer {
  outputs?: Record<string, Partial<StateResource>>;
}

/** The engine writes the state while it is read: what fails is tried again. */
const ATTEMPTS = 5;
const PAUSE_MILLISECONDS = 200;

/**
 * The running stack's own state as it was before this update, by URN; what waits to be deleted is left
 * out. Undefined where there is no engine to ask.
 *
 * @throws RunError if there is one, and it has no answer: whoever went on would take the platform for a new one.
 */
export async function readState(): Promise<Readonly<Record<string, StateResource>> | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await askEngine();
    } catch (error) {
      if (pulumi.runtime.getEngine() === undefined) return undefined;
      if (attempt >= ATTEMPTS) throw unreadable(error);
      await sleep(PAUSE_MILLISECONDS);
    }
  }
}

async function askEngine(): Promise<Record<string, StateResource>> {
  const stackName = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
  const token = "pulumi:pulumi:readStackResourceOutputs";
  const { outputs = {} } = (await pulumi.runtime.invoke(token, { stackName })) as Answer;
  return Object.fromEntries(
    Object.entries(outputs).map(([urn, { type = "", outputs: found = {} }]) => [
      urn,
      { type, outputs: found },
    ]),
  );
}

const unreadable = (error: unknown) =>
  new pulumi.RunError(
    `the state of stack ${pulumi.getStack()} cannot be read (${error instanceof Error ? error.message : String(error)}): try again; pulumi stack export --stack ${pulumi.getStack()} says more`,
  );
