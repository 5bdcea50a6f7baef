import * as pulumi from "@pulumi/pulumi";
import { loadConfig } from "./config";
import { createMachines } from "./machines";
import { createPlatform } from "./platform";
import { checkReachable } from "./reachable";
import { checkTransitions } from "./transitions";
import { endWithEngine } from "./watchdog";

async function program(): Promise<Record<string, pulumi.Input<unknown>>> {
  endWithEngine();
  const config = loadConfig();
  await checkTransitions(config, pulumi.getStack());
  const machines = createMachines(config);
  await checkReachable(config, machines);
  return createPlatform(config, machines);
}

export = program;
