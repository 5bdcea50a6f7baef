/** The life of a command resource, wherever it runs. */
import { type Created, type CreateRequest, Resource, type UpdateRequest } from "../lib/resource.js";
import { randomBytes } from "node:crypto";
import { type CommandOutput, readOutput } from "./run.js";
import { markOutputs } from "../lib/outputs.js";
import type { Operation } from "../lib/operation.js";
import type { PropertyMap } from "../lib/values.js";
import { readString } from "../lib/read.js";

const NO_OUTPUT: CommandOutput = { stdout: "", stderr: "" };

/** A resource id: the name and eight random hexadecimal digits. */
export function uniqueId(name: string): string {
  return name + randomBytes(4).toString("hex");
}

export abstract class CommandResource extends Resource {
  protected abstract run(
    command: string,
    inputs: PropertyMap,
    before: CommandOutput,
    operation: Operation,
  ): Promise<CommandOutput>;

  override async create(request: CreateRequest, operation: Operation): Promise<Created> {
    const { inputs, preview, name } = request;
    const command = preview ? undefined : readString(inputs, "create");
    const output =
      command === undefined ? NO_OUTPUT : await this.run(command, inputs, NO_OUTPUT, operation);
    const outputs = markOutputs(this.spec.inputs, { ...inputs, ...output }, { inputs, preview });
    return { id: uniqueId(name), outputs };
  }

  /** Runs `update`, else `create` again. Any changed input brings this about, even `delete`. */
  override async update(request: UpdateRequest, operation: Operation): Promise<PropertyMap> {
    const { state, inputs, preview } = request;
    if (preview) {
      const before = { stdout: state["stdout"] ?? "", stderr: state["stderr"] ?? "" };
      return markOutputs(this.spec.inputs, { ...inputs, ...before }, { inputs, preview, state });
    }
    const before = readOutput(state);
    const command = readString(inputs, "update") ?? readString(inputs, "create");
    const output =
      command === undefined ? before : await this.run(command, inputs, before, operation);
    return { ...inputs, ...output };
  }

  /** Runs the `delete` that the state remembers, with the connection it remembers. */
  override async delete(state: PropertyMap, operation: Operation): Promise<void> {
    const command = readString(state, "delete");
    if (command !== undefined) await this.run(command, state, readOutput(state), operation);
  }
}
