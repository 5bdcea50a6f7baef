/** Fills what `given` leaves out; an explicit `undefined` counts as left out. */
export function withDefaults<T extends object>(
  defaults: Required<T>,
  given: Partial<T> = {},
): Required<T> {
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(set) };
}
