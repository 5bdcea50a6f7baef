import { PlainError } from "./plain-error";

/** Bad arguments, all at once. */
export class InvalidArgsError extends PlainError {
  constructor(
    readonly subject: string,
    readonly problems: readonly string[],
  ) {
    super([`${subject} has invalid arguments:`, ...problems.map((p) => `  - ${p}`)].join("\n"));
    this.name = "InvalidArgsError";
  }
}

/** What a DNS label may hold, and so every machine, service and volume name. */
const DNS_LABEL = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Collects every problem first, then throws once. */
export class ArgsCheck {
  private readonly problems: string[] = [];
  constructor(private readonly subject: string) {}

  that(ok: boolean, path: string, reason: string): this {
    if (!ok) this.problems.push(`${path}: ${reason}`);
    return this;
  }

  integer(value: number, path: string, min: number, max: number): this {
    const ok = Number.isInteger(value) && value >= min && value <= max;
    return this.that(ok, path, `is ${value}, must be a whole number from ${min} to ${max}`);
  }

  number(value: number, path: string, min: number, max: number): this {
    const ok = Number.isFinite(value) && value >= min && value <= max;
    return this.that(ok, path, `is ${value}, must be a number from ${min} to ${max}`);
  }

  port(value: number, path: string): this {
    return this.integer(value, path, 1, 65_535);
  }

  name(value: string, path: string): this {
    return this.that(
      DNS_LABEL.test(value),
      path,
      `is ${JSON.stringify(value)}, must be 1 to 63 lower-case letters, digits or hyphens, starting with a letter`,
    );
  }

  /** For text that ends up in a line of a file or an argument of a command. */
  line(value: string, path: string): this {
    const clean = !/[\u0000-\u001f\u007f]/.test(value);
    return this.that(clean, path, "has a line break or another control character");
  }

  nonEmpty(values: readonly unknown[], path: string): this {
    return this.that(values.length > 0, path, "is empty, needs at least one entry");
  }

  unique(values: readonly string[], path: string): this {
    const twice = values.filter((v, i) => values.indexOf(v) !== i);
    return this.that(twice.length === 0, path, `repeats ${[...new Set(twice)].join(", ")}`);
  }

  /** The number of members that can elect a leader: one, three or five. */
  quorum(values: readonly unknown[], path: string): this {
    return this.that(
      [1, 3, 5].includes(values.length),
      path,
      `has ${values.length} entries, must have 1, 3 or 5: ${quorumReason(values.length)}`,
    );
  }

  done(): void {
    if (this.problems.length > 0) throw new InvalidArgsError(this.subject, this.problems);
  }
}

/** Why so many members are no good number for a quorum. */
export function quorumReason(count: number): string {
  return count % 2 === 0
    ? "an even number survives no more failures than one fewer"
    : "each further one makes every decision wait for more machines";
}
