import type { Previous } from "../../../stacks/transitions";
import { HOST_KEY } from "./config/fixture";

/** The key of a machine that was made anew. */
export const OTHER_KEY =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDOErIp7rMdPhkmz1vMXtbEcRdop+KU+YF9e/SPPCxmm";

/** A last update with these core machines. */
export const was = (...numbers: number[]): Previous => ({
  machines: Object.fromEntries(
    numbers.map((n) => [
      `vm${n}`,
      { privateAddress: `10.0.0.${n}`, role: "core", hostKey: HOST_KEY },
    ]),
  ),
  database: { name: "app", user: "app" },
});
