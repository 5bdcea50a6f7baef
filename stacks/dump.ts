import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { DatabaseDump } from "../components/backup/database-dump";
import type { PatroniCluster } from "../components/database/patroni-cluster";
import { InvalidArgsError } from "../components/core/args-check";
import type { PlatformConfig } from "./config";
import { keyText } from "./config/machines";
import type { Machines } from "./machines";

/** The nightly dump on the core machines. */
export function createDump(
  config: PlatformConfig,
  { core }: Machines,
  postgres: PatroniCluster,
): DatabaseDump {
  const { copyTo, ...schedule } = config.dump;
  const copy = copyTo && {
    ...copyTo,
    privateKey: pulumi.secret(copyTo.privateKey ?? readKey(copyTo.privateKeyPath ?? "")),
  };
  return new DatabaseDump(
    "dump",
    { hosts: core, source: postgres, ...schedule, ...(copy && { copyTo: copy }) },
    { dependsOn: postgres },
  );
}

function readKey(path: string): string {
  const where = `trivet:dump.copyTo.privateKeyPath: ${path}`;
  const subject = "Configuration of the dump";
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch {
    throw new InvalidArgsError(subject, [`${where} cannot be read`]);
  }
  const { success, data, error } = keyText("holds no private key").safeParse(content);
  if (success) return data;
  throw new InvalidArgsError(
    subject,
    error.issues.map(({ message }) => `${where} ${message}`),
  );
}
