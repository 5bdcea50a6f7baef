/** Resources that are made once from their inputs and live in the state alone. */
import { type Created, type CreateRequest, type Difference } from "./resource.js";
import { type DiffRequest, Resource, type UpdateRequest } from "./resource.js";
import { makeComputed, makeSecret, mapValues, type PropertyMap, revealAll } from "./values.js";
import type { Log, Operation } from "./operation.js";
import { diffMaps, rootOf } from "./diff.js";

/** A change of an input that `replaces` makes a new one; any other change is only taken over. */
export abstract class GeneratedResource extends Resource {
  /**
   * What is known before the resource is made: the inputs and the defaults that the official
   * provider records in the state. `state` is the one before an update, absent for a create.
   */
  protected abstract plan(inputs: PropertyMap, state?: PropertyMap): PropertyMap;

  /** The id and the outputs that are not planned. */
  protected abstract generate(plan: PropertyMap, log: Log): Promise<Created>;

  override diff({ state, inputs }: DiffRequest): Difference {
    const plan = this.plan(inputs, state);
    const planned = [...Object.keys(this.spec.inputs), ...Object.keys(plan)];
    // A secret mark around a value is no change of the value.
    const changes = diffMaps(publicly(pickKeys(state, planned)), publicly(plan));
    const replaces = [...changes.keys()].filter(
      (path) => this.spec.inputs[rootOf(path)]?.replaces === true,
    );
    return { changes, replaces: new Set(replaces) };
  }

  override async create(request: CreateRequest, { log }: Operation): Promise<Created> {
    const plan = this.plan(request.inputs);
    const made = request.preview
      ? { id: "", outputs: this.unknown() }
      : await this.generate(plan, log);
    return { id: made.id, outputs: this.secretly({ ...made.outputs, ...plan }) };
  }

  override async update({ state, inputs }: UpdateRequest): Promise<PropertyMap> {
    const kept = pickKeys(state, [...Object.keys(this.spec.outputs), "id"]);
    return Promise.resolve(this.secretly({ ...kept, ...this.plan(inputs, state) }));
  }

  private unknown(): PropertyMap {
    return Object.fromEntries(
      Object.keys(this.spec.outputs).map((key) => [key, makeComputed(null)]),
    );
  }

  private secretly(outputs: PropertyMap): PropertyMap {
    const table = { ...this.spec.inputs, ...this.spec.outputs };
    return mapValues(outputs, (value, key) =>
      table[key]?.secret === true ? makeSecret(value) : value,
    );
  }
}

function pickKeys(map: PropertyMap, keys: readonly string[]): PropertyMap {
  return Object.fromEntries(Object.entries(map).filter(([key]) => keys.includes(key)));
}

function publicly(map: PropertyMap): PropertyMap {
  return mapValues(map, revealAll);
}
