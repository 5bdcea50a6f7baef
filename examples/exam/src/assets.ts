import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";

/** Scripts and styles of the pages. */
export interface Assets {
  readonly folder: string;
  /** Address of a file, which changes with its content. */
  url(name: string): string;
}

export function readAssets(folder: string): Assets {
  const versions = new Map(
    readdirSync(folder).map((name) => {
      const content = readFileSync(join(folder, name));
      return [name, createHash("sha256").update(content).digest("hex").slice(0, 12)];
    }),
  );
  return { folder, url: (name) => `/assets/${name}?v=${versions.get(name) ?? "0"}` };
}

export async function addAssets(app: FastifyInstance, assets: Assets): Promise<void> {
  await app.register(fastifyStatic, {
    root: assets.folder,
    prefix: "/assets/",
    decorateReply: false,
    index: false,
    // Short: during a rolling update an old replica may answer for a new address.
    maxAge: 300_000,
  });
}
