import type { z } from "zod";

/** A refusal that the client is told about. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    /** Stable word for programs. */
    readonly code: string,
    message: string,
    /** More fields of the JSON reply. */
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = "Problem";
  }
}

export const notFound = (): Problem => new Problem(404, "not_found", "There is no such page.");

/** Checks what a client sent; throws a {@link Problem} that lists what is wrong with it. */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const reasons = parsed.error.issues.map(
    (issue) => `${issue.path.map(String).join(".")}: ${issue.message}`,
  );
  throw new Problem(400, "invalid_input", `The request is not valid: ${reasons.join("; ")}`);
}
