import { z } from "zod";
import type { Said } from "./project";

const previewSchema = z.object({
  steps: z.array(
    z.object({
      op: z.string(),
      urn: z.string(),
      replaceReasons: z.array(z.string()).nullish(),
    }),
  ),
  diagnostics: z.array(z.object({ severity: z.string(), message: z.string() })).default([]),
  changeSummary: z.record(z.string(), z.number()),
});

const resourceSchema = z.object({
  urn: z.string(),
  id: z.string().optional(),
  outputs: z.record(z.string(), z.unknown()).default({}),
});

const stateSchema = z.object({
  deployment: z.object({
    resources: z.array(resourceSchema).default([]),
    pending_operations: z.array(z.unknown()).default([]),
  }),
});

/** What a preview would do. */
export type Preview = z.output<typeof previewSchema>;

export const parsePreview = ({ stdout }: Said): Preview => previewSchema.parse(JSON.parse(stdout));
export const parseState = (text: string) => stateSchema.parse(JSON.parse(text)).deployment;

/** `type name` of a resource, its type without those of its parents. */
export function label(urn: string): string {
  const [, , types = "", name = ""] = urn
    .split("::")
    .map((part) => part.replace(/^urn:pulumi:/, ""));
  return `${types.split("$").at(-1) ?? ""} ${name}`;
}

/** `type name` of everything that would be made, sorted. */
export function created({ steps }: Preview): string[] {
  return steps
    .filter(({ op }) => op === "create")
    .map(({ urn }) => label(urn))
    .sort();
}

/** How many of each type, sorted by type. */
export function countsByType(labels: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const entry of labels) {
    const [type = ""] = entry.split(" ");
    counts[type] = (counts[type] ?? 0) + 1;
  }
  return counts;
}
