/** Which outputs are unknown in a preview and secret in the state, by the official framework's rules. */
import { deepEquals, isComputed, isMap, makeComputed, makeSecret } from "./values.js";
import { mapValues, type PropertyMap, Secret, type Value } from "./values.js";
import type { PropertyTable } from "./table.js";

export interface Origin {
  readonly inputs: PropertyMap;
  readonly preview: boolean;
  /** The state before the update; absent for a create. */
  readonly state?: PropertyMap;
}

/** Marks an operation's outputs. An output that repeats an input keeps that input's marks. */
export function markOutputs(
  table: PropertyTable,
  outputs: PropertyMap,
  origin: Origin,
): PropertyMap {
  return mapValues(outputs, (value, key) => {
    const input = origin.inputs[key];
    const mirrored = input !== undefined && deepEquals(input, value);
    const known = mirrored || !origin.preview || !dependsOnChange(table, origin);
    const result = known ? value : makeComputed(value);
    return containsSecret(input) && !mirrored ? makeSecret(result) : result;
  });
}

/** Any output may depend on any input; a property that is added alone is not seen as a change. */
function dependsOnChange(table: PropertyTable, origin: Origin): boolean {
  const { inputs, state } = origin;
  if (state === undefined) return true;
  return Object.keys(table).some((key) => {
    if (isComputed(inputs[key])) return true;
    return key in state && !deepEquals(inputs[key] ?? null, state[key] ?? null);
  });
}

function containsSecret(value: Value | undefined): boolean {
  if (value instanceof Secret) return true;
  if (Array.isArray(value)) return value.some(containsSecret);
  return isMap(value) && Object.values(value).some(containsSecret);
}
