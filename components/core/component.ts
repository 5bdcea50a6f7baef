import * as pulumi from "@pulumi/pulumi";

type DependsOn = pulumi.CustomResourceOptions["dependsOn"];

/**
 * A component whose children wait for what it was told to wait for: the engine does not hand a
 * component's `dependsOn` down, and it is the children that change machines.
 */
export abstract class Component extends pulumi.ComponentResource {
  /** What every child that changes a machine waits for. */
  readonly waitsFor: pulumi.Input<pulumi.Resource>[];

  protected constructor(type: string, name: string, opts?: pulumi.ComponentResourceOptions) {
    // Nothing is passed on: it would land in the state file, passwords too.
    super(type, name, {}, opts);
    this.waitsFor = listOf(opts?.dependsOn);
  }
}

/** What a child of `parent` waits for, besides `more`. */
export function waitsFor(
  parent: pulumi.Resource,
  more?: DependsOn,
): pulumi.Input<pulumi.Resource>[] {
  return [...(parent instanceof Component ? parent.waitsFor : []), ...listOf(more)];
}

function listOf(dependsOn: DependsOn): pulumi.Input<pulumi.Resource>[] {
  if (dependsOn === undefined) return [];
  // A promise or an output of a list is taken apart by the engine's own gathering.
  return Array.isArray(dependsOn) ? [...dependsOn] : [dependsOn as pulumi.Input<pulumi.Resource>];
}
