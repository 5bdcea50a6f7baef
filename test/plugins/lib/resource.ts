/** What a stand-in implements for each type of resource. */
import { type Checked, checkInputs, type ResourceSpec } from "./table.js";
import { diffMaps, type PropertyDiffs, rootOf } from "./diff.js";
import type { Operation } from "./operation.js";
import type { PropertyMap } from "./values.js";

export interface Created {
  readonly id: string;
  readonly outputs: PropertyMap;
}

export interface CreateRequest {
  /** The resource's name in the program. */
  readonly name: string;
  readonly inputs: PropertyMap;
  readonly preview: boolean;
}

export interface DiffRequest {
  readonly state: PropertyMap;
  readonly oldInputs: PropertyMap;
  readonly inputs: PropertyMap;
}

export interface UpdateRequest {
  readonly state: PropertyMap;
  readonly inputs: PropertyMap;
  readonly preview: boolean;
}

export interface Difference {
  readonly changes: PropertyDiffs;
  /** Those paths among the changes whose change replaces the resource. */
  readonly replaces: ReadonlySet<string>;
}

export abstract class Resource {
  protected constructor(readonly spec: ResourceSpec) {}

  check(...[news]: [news: PropertyMap, name: string]): Checked {
    return checkInputs(this.spec, news);
  }

  /**
   * A property marked `replaces` replaces only when its own path changed, not one inside it: that
   * is the official framework's rule, and `@pulumi/command` asks for the rest by `replaceOnChanges`.
   */
  diff(request: DiffRequest): Difference {
    const changes = diffMaps(request.oldInputs, request.inputs);
    const replaces = [...changes.keys()].filter(
      (path) => this.spec.inputs[path]?.replaces === true,
    );
    return { changes, replaces: new Set(replaces) };
  }

  abstract create(request: CreateRequest, operation: Operation): Promise<Created>;

  abstract update(request: UpdateRequest, operation: Operation): Promise<PropertyMap>;

  /** What a refresh finds: the state as it is, for what does not change by itself. */
  read(state: PropertyMap): PropertyMap {
    return state;
  }

  /** Absent where there is nothing to delete but the state. */
  delete?(state: PropertyMap, operation: Operation): Promise<void>;
}

/** The top-level properties that a set of paths lies in, each once. */
export function roots(paths: Iterable<string>): string[] {
  return [...new Set([...paths].map(rootOf))];
}
