export * from "./docker-engine";
export * from "./firewall";
export * from "./kernel-tuning";
export * from "./machine-facts";
export * from "./reachability";
export { renderRules, type RuleArgs } from "./rules";
