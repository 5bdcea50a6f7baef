import * as pulumi from "@pulumi/pulumi";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks";
import { parseInput, type ScriptInput } from "./script-input";
import { allText, plainText, withoutMarks } from "./secret-marks";

export type Values = Readonly<Record<string, unknown>>;

/** A resource as the engine would have been asked for it. */
export interface Made {
  readonly name: string;
  readonly type: string;
  /** A resource of a provider, no component. */
  readonly custom: boolean;
  readonly inputs: Values;
  /** Inputs of the first level that hold a secret, at any depth. Sorted. */
  readonly secretInputs: readonly string[];
  /** Every text that is not inside a secret, keys too. */
  readonly plainText: readonly string[];
  readonly allText: readonly string[];
  /** Names of the resources that it waits for, sorted. */
  readonly dependsOn: readonly string[];
  readonly parent: string | undefined;
  /** Name of the provider that was chosen for it. */
  readonly provider: string | undefined;
  readonly secretOutputs: readonly string[];
  readonly deletedWith: string | undefined;
  readonly ignoreChanges: readonly string[];
}

/** What a provider adds to the inputs of a resource, by type; a resource of another type throws. */
export type Outputs = Readonly<Record<string, (made: Made) => Values>>;

/** Records every resource that a program asks for. A call of a function throws. */
export class Recorder {
  readonly made: Made[] = [];

  constructor(private readonly outputs: Outputs) {}

  async install(): Promise<void> {
    this.made.length = 0;
    const mocks: pulumi.runtime.Mocks = {
      newResource: ({ name, type, custom, inputs }) => {
        if (custom !== true) return { id: undefined, state: {} };
        const outputs = this.outputs[type];
        if (outputs === undefined) throw new Error(`no mock for ${type} (${name})`);
        const made = this.get(name);
        return { id: `${name}-id`, state: { ...(inputs as object), ...secretly(made, outputs) } };
      },
      call: ({ token }) => {
        throw new Error(`no mock for ${token}`);
      },
    };
    await pulumi.runtime.setMocks(mocks, "trivet", "test");
    this.listen();
  }

  /** Notes what the mocks are not told: dependencies, options, and which inputs are secret. */
  private listen(): void {
    const monitor: unknown = pulumi.runtime.getMonitor();
    if (!(monitor instanceof MockMonitor)) throw new Error("the mocks are not in place");
    const register = monitor.registerResource.bind(monitor);
    monitor.registerResource = (request: RegisterResourceRequest, callback) => {
      this.made.push(noted(request));
      return register(request, callback);
    };
  }

  /** Waits until everything that was asked for is there. */
  async settled(): Promise<void> {
    await pulumi.runtime.disconnect();
  }

  names(): string[] {
    return this.made.map((resource) => resource.name).sort();
  }

  /** Names of the resources of one type. */
  namesOf(type: string): string[] {
    return this.made.flatMap((made) => (made.type === type ? [made.name] : [])).sort();
  }

  get(name: string): Made {
    const found = this.made.filter((resource) => resource.name === name);
    // A component and its main resource may share a name.
    const made = found.find(({ custom }) => custom) ?? found[0];
    if (made === undefined) throw new Error(`no ${name}, only ${this.names().join(", ")}`);
    return made;
  }

  /** The machine that a script goes to. */
  addressOf(name: string): unknown {
    const { connection } = this.get(name).inputs;
    return (connection as { host?: unknown } | undefined)?.host;
  }

  /** What a script of a machine gets: its arguments, itself and its input. */
  script(name: string): ScriptInput {
    return parseInput(String(this.get(name).inputs.stdin));
  }
}

function noted(request: RegisterResourceRequest): Made {
  const raw: Values = request.getObject()?.toJavaScript() ?? {};
  const deletedWith = request.getDeletedwith();
  return {
    name: request.getName(),
    type: request.getType(),
    custom: request.getCustom(),
    inputs: withoutMarks(raw) as Values,
    secretInputs: Object.keys(raw)
      .filter((key) => plainText(raw[key]).length < allText(raw[key]).length)
      .sort(),
    plainText: plainText(raw),
    allText: allText(raw),
    dependsOn: request.getDependenciesList().map(nameOf).sort(),
    parent: request.getParent() === "" ? undefined : nameOf(request.getParent()),
    provider: /::([^:]+)::[^:]*$/.exec(request.getProvider())?.[1],
    secretOutputs: request.getAdditionalsecretoutputsList(),
    deletedWith: deletedWith === "" ? undefined : nameOf(deletedWith),
    ignoreChanges: request.getIgnorechangesList(),
  };
}

const nameOf = (urn: string) => urn.split("::").at(-1) ?? "";

/** The engine itself marks the outputs that a resource calls secret. */
function secretly(made: Made, outputs: (made: Made) => Values): Values {
  return Object.fromEntries(
    Object.entries(outputs(made)).map(([key, value]) => [
      key,
      made.secretOutputs.includes(key) ? pulumi.secret(value) : value,
    ]),
  );
}
