import * as pulumi from "@pulumi/pulumi";

/**
 * An error whose message says it all. `pulumi up` prints no stack of a RunError, but still takes
 * twenty seconds to lay one out, so there is none.
 */
export class PlainError extends pulumi.RunError {
  constructor(message: string) {
    super(message);
    this.stack = message;
  }
}
