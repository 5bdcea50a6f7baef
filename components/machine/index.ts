export * from "./docker-engine";
export * from "./firewall";
export * from "./kernel-tuning";
export * from "./machine-facts";
export * from "./reachability";
export * from "./stale-ports";
export { renderRules, type RuleArgs } from "./rules";
