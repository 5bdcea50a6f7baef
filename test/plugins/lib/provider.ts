/** One stand-in plugin, without its transport: finds the resource and runs the operation. */
import { type Checked, notServed } from "./table.js";
import type { Created, Difference, DiffRequest, Resource, UpdateRequest } from "./resource.js";
import { type Log, Operations } from "./operation.js";
import { mapValues, type PropertyMap } from "./values.js";

export interface PluginInfo {
  readonly name: string;
  /** The version of the official plugin that is stood in for. */
  readonly version: string;
}

export interface Target {
  readonly urn: string;
  readonly log: Log;
  /** 0 means no limit. */
  readonly timeoutSeconds: number;
}

/** The type and name in a URN: `urn:pulumi:stack::project::parent$type::name`. */
export function parseUrn(urn: string): { type: string; name: string } {
  const parts = urn.split("::");
  return { type: (parts[2] ?? "").split("$").pop() ?? "", name: parts.slice(3).join("::") };
}

export class Provider {
  readonly operations = new Operations();
  private readonly resources: ReadonlyMap<string, Resource>;

  constructor(
    readonly info: PluginInfo,
    resources: readonly Resource[],
  ) {
    this.resources = new Map(resources.map((resource) => [resource.spec.token, resource]));
  }

  check(urn: string, news: PropertyMap): Checked {
    return this.find(urn).check(news, parseUrn(urn).name);
  }

  /** Configuration has no properties of its own: only what the engine adds is let through. */
  checkConfig(news: PropertyMap): Checked {
    const failures = Object.keys(news)
      .filter((key) => !key.startsWith("__") && !["version", "pluginDownloadURL"].includes(key))
      .map((property) => ({ property, reason: this.refusal(`provider property ${property}`) }));
    return { inputs: news, failures };
  }

  diff(urn: string, request: DiffRequest, ignoreChanges: readonly string[]): Difference {
    const resource = this.find(urn);
    const kept = keepIgnored(request.inputs, request.state, ignoreChanges);
    const inputs = Object.fromEntries(
      Object.entries(kept).filter(([key]) => key !== "version" && !key.startsWith("__")),
    );
    return resource.diff({ ...request, inputs });
  }

  create(target: Target, inputs: PropertyMap, preview: boolean): Promise<Created> {
    const resource = this.find(target.urn);
    const { name } = parseUrn(target.urn);
    return this.operations.run(target.timeoutSeconds, (signal) =>
      resource.create({ name, inputs, preview }, { log: target.log, signal }),
    );
  }

  update(
    target: Target,
    request: UpdateRequest,
    ignoreChanges: readonly string[],
  ): Promise<PropertyMap> {
    const resource = this.find(target.urn);
    const inputs = keepIgnored(request.inputs, request.state, ignoreChanges);
    return this.operations.run(target.timeoutSeconds, (signal) =>
      resource.update({ ...request, inputs }, { log: target.log, signal }),
    );
  }

  delete(target: Target, state: PropertyMap): Promise<void> {
    const resource = this.find(target.urn);
    return this.operations.run(target.timeoutSeconds, async (signal) => {
      await resource.delete?.(state, { log: target.log, signal });
    });
  }

  /** Importing is not served. */
  read(urn: string, state: PropertyMap): PropertyMap {
    const resource = this.find(urn);
    const { token } = resource.spec;
    if (Object.keys(state).length === 0) throw new Error(this.refusal(`the import of ${token}`));
    return resource.read(state);
  }

  refusal(what: string): string {
    return notServed(this.info.name, this.info.version, what);
  }

  /** A schema of names alone: programs in TypeScript carry the types in their own package. */
  schema(): string {
    const resources = [...this.resources.values()].map(({ spec }) => [
      spec.token,
      {
        inputProperties: namesOnly(spec.inputs),
        properties: namesOnly({ ...spec.inputs, ...spec.outputs }),
      },
    ]);
    return JSON.stringify({ ...this.info, resources: Object.fromEntries(resources) as object });
  }

  private find(urn: string): Resource {
    const { type } = parseUrn(urn);
    const resource = this.resources.get(type);
    if (resource === undefined) throw new Error(this.refusal(`the type ${type}`));
    return resource;
  }
}

function namesOnly(table: Readonly<Record<string, unknown>>): Record<string, object> {
  return Object.fromEntries(Object.keys(table).map((key) => [key, { $ref: "pulumi.json#/Any" }]));
}

function keepIgnored(
  inputs: PropertyMap,
  state: PropertyMap,
  ignored: readonly string[],
): PropertyMap {
  const kept = mapValues(inputs, (value) => value);
  for (const key of ignored) {
    const value = state[key];
    if (value !== undefined) kept[key] = value;
  }
  return kept;
}
