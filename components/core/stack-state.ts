import * as pulumi from "@pulumi/pulumi";

/** A resource as the stack's last update left it. */
export interface StateResource {
  type: string;
  outputs: Readonly<Record<string, unknown>>;
}

interface Answer {
  outputs?: Record<string, Partial<StateResource>>;
}

/**
 * The running stack's own state as it was before this update, by URN; what waits to be deleted is left
 * out. Undefined where there is no engine to ask.
 */
export async function readState(): Promise<Readonly<Record<string, StateResource>> | undefined> {
  try {
    const stackName = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
    const token = "pulumi:pulumi:readStackResourceOutputs";
    const { outputs = {} } = (await pulumi.runtime.invoke(token, { stackName })) as Answer;
    return Object.fromEntries(
      Object.entries(outputs).map(([urn, { type = "", outputs: found = {} }]) => [
        urn,
        { type, outputs: found },
      ]),
    );
  } catch (error) {
    await pulumi.log.debug(`the stack's state cannot be read: ${String(error)}`);
    return undefined;
  }
}
