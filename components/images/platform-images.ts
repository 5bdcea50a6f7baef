import { join } from "node:path";
import type { ImageSource } from "./image-set";

/** Where the platform's own images start from. */
export interface PlatformImageArgs {
  /** Debian 13, where the packages come from. @default "debian:trixie-slim" */
  debian?: string;
  /** nginx 1.30.4 or newer, laid out like the official image. @default "nginx:1.30" */
  nginx?: string;
}

/** Names of the platform's own images. */
export type PlatformImage = "etcd" | "postgres" | "haproxy" | "pgbouncer" | "valkey" | "nginx";

/** Sources for an ImageSet: the Dockerfiles beside this file, and nginx as it is published. */
export function platformImages({
  debian = "debian:trixie-slim",
  nginx = "nginx:1.30",
}: PlatformImageArgs = {}): Record<PlatformImage, ImageSource> {
  const build = (name: PlatformImage): ImageSource => ({
    build: join(__dirname, name),
    buildArgs: { DEBIAN: debian },
  });
  return {
    etcd: build("etcd"),
    postgres: build("postgres"),
    haproxy: build("haproxy"),
    pgbouncer: build("pgbouncer"),
    valkey: build("valkey"),
    nginx: { pull: nginx },
  };
}
