import type * as pulumi from "@pulumi/pulumi";
import { loadConfig } from "./config";
import { createPlatform } from "./platform";

const outputs: Record<string, pulumi.Input<unknown>> = createPlatform(loadConfig());
export = outputs;
