import type { Drill } from "./drill";

const BASE = ["trivet:images", "debian"];

/** Shell that makes another image with the same files, as a month of security updates would. */
const derive = (base: string, name: string) =>
  `printf 'FROM ${base}\\nLABEL drill=${name}\\n' | DOCKER_BUILDKIT=0 docker build -q -t ${name} - >&2`;

export const BASE_IMAGE: Drill = {
  about: "a new base image: every service built from it is replaced, one machine after another",
  // As a switchover.
  boundSeconds: 3,
  httpBoundSeconds: 3,
  failedRequestsBound: 0,
  prepare: async (cluster, stack) => {
    const before = stack.configured(BASE);
    const base = typeof before === "string" ? before : "debian:trixie-slim";
    const name = `debian:drill-${Date.now().toString(36)}`;
    await cluster.on(cluster.names[0] ?? "", derive(base, name), 120);
    return {
      hit: [],
      happens: async () => {
        stack.configure(BASE, name);
        await stack.up();
      },
      tidy: async () => {
        stack.configure(BASE, before);
        await stack.up();
      },
    };
  },
};
