import { label, type parseState, type Preview } from "./steps";

/**
 * What must outlive every upgrade: the services that hold data, the network whose replacement would
 * replace every service on it, and what passwords and certificates were made from.
 */
const KEPT: readonly RegExp[] = [
  /^docker:index\/service:Service (etcd|postgres|valkey)-(?!router-|sentinel-)/,
  /^docker:index\/network:Network /,
  /^docker:index\/volume:Volume /,
  /^random:/,
  /^tls:index\/privateKey:PrivateKey /,
  /^tls:index\/selfSignedCert:SelfSignedCert /,
];

/** Outputs that are the thing itself where the identity does not tell. */
const SUBSTANCE = ["result", "privateKeyPem", "certPem", "hex"];

const HARMLESS = new Set(["same", "create", "update", "read", "refresh", "import"]);

/** What a plan would take away of what must be kept: its operation, type and name, and why. Sorted. */
export function losses({ steps }: Preview): string[] {
  const found = steps
    .filter(({ op, urn }) => !HARMLESS.has(op) && KEPT.some((pattern) => pattern.test(label(urn))))
    // A replacement is also listed as the deletion of the old and the creation of the new.
    .filter(({ op }) => op === "replace" || op === "delete")
    .map(({ op, urn, replaceReasons }) => {
      const why = replaceReasons ?? [];
      return `${op} ${label(urn)}${why.length > 0 ? ` (${why.join(", ")})` : ""}`;
    });
  return found.sort();
}

/** What a state holds of it: type and name to identity and substance, secrets in plain. */
export function holdingsOf({ resources }: ReturnType<typeof parseState>): Record<string, string> {
  const kept = resources.filter(({ urn }) => KEPT.some((pattern) => pattern.test(label(urn))));
  return Object.fromEntries(
    kept.map(({ urn, id, outputs }) => {
      const substance = SUBSTANCE.map((name) => JSON.stringify(outputs[name]));
      return [label(urn), [id, ...substance].join(" ")];
    }),
  );
}
