import * as pulumi from "@pulumi/pulumi";
import { readState } from "../components/core/stack-state";
import { loadConfig } from "./config";
import { createMachines } from "./machines";
import { createPlatform } from "./platform";
import { checkReachable } from "./reachable";
import { checkTransitions, previousOf } from "./transitions";
import { endWithEngine } from "./watchdog";

async function program(): Promise<Record<string, pulumi.Input<unknown>>> {
  endWithEngine();
  const config = loadConfig();
  const state = (await readState()) ?? {};
  const previous = previousOf(state);
  checkTransitions(config, previous, pulumi.getStack());
  const machines = await checkReachable(config, createMachines(config), previous, state);
  return createPlatform(config, machines);
}

export = program;
