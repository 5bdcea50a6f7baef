import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { PORTS } from "../core/ports";

/** Names under which a container finds the platform; they lead to its own machine. */
export const PLATFORM_NAMES = { database: "database", cache: "cache" } as const;

/** Where the platform's data services are, as a container sees them. */
export interface Backends {
  database: string;
  user: string;
  /** A secret. */
  databasePassword: pulumi.Output<string>;
  /** A secret. */
  cachePassword: pulumi.Output<string>;
  /** Address of the container's own machine. */
  gatewayAddress: string;
  /** Resources that must be there before a container starts. */
  readonly dependsOn: pulumi.Resource[];
}

/** Plain parts of the addresses, for applications that do not take a URL. */
export function connectionParts(backends: Backends): Record<string, string> {
  return {
    DATABASE_HOST: PLATFORM_NAMES.database,
    DATABASE_PORT: String(PORTS.pgBouncer),
    DATABASE_DIRECT_PORT: String(PORTS.routerPrimary),
    DATABASE_NAME: backends.database,
    DATABASE_USER: backends.user,
    REDIS_HOST: PLATFORM_NAMES.cache,
    REDIS_PORT: String(PORTS.valkeyRouter),
  };
}

/** Addresses that hold a password, and the passwords alone. All secrets. */
export function connectionSecrets(backends: Backends): Record<string, pulumi.Output<string>> {
  const { database, user, databasePassword, cachePassword } = backends;
  const host = PLATFORM_NAMES.database;
  const url = (port: number, name: string) =>
    pulumi.interpolate`postgresql://${user}:${encoded(databasePassword)}@${host}:${port}/${name}`;
  const cache = `${PLATFORM_NAMES.cache}:${PORTS.valkeyRouter}`;
  return {
    DATABASE_URL: url(PORTS.pgBouncer, database),
    DATABASE_DIRECT_URL: url(PORTS.routerPrimary, database),
    DATABASE_READ_URL: url(PORTS.pgBouncer, `${database}_read`),
    DATABASE_PASSWORD: databasePassword,
    REDIS_URL: pulumi.interpolate`redis://:${encoded(cachePassword)}@${cache}/0`,
    REDIS_PASSWORD: cachePassword,
  };
}

/** Variables that the platform sets; an application's own may not replace them. */
export const OWNED_VARIABLES: readonly string[] = [
  "DATABASE_URL",
  "DATABASE_DIRECT_URL",
  "DATABASE_READ_URL",
  "DATABASE_PASSWORD",
  "DATABASE_HOST",
  "DATABASE_PORT",
  "DATABASE_DIRECT_PORT",
  "DATABASE_NAME",
  "DATABASE_USER",
  "REDIS_URL",
  "REDIS_PASSWORD",
  "REDIS_HOST",
  "REDIS_PORT",
];

const encoded = (secret: pulumi.Output<string>) => secret.apply(encodeURIComponent);

/** A request to the application from inside its container, with what the image has for it that costs least. */
export function healthCommand(port: number, path: string): string {
  const url = `http://127.0.0.1:${port}${path}`;
  // As curl does, takes a redirection for an answer.
  const bash = `exec 3<>/dev/tcp/127.0.0.1/${port} && printf "%s\\r\\n" "GET ${path} HTTP/1.1" "Host: 127.0.0.1:${port}" "Connection: close" "" >&3 && read -r -t 4 -u 3 _ status _ && [[ $status == [23]* ]] && exit 0; echo "status \${status:-none}" >&2; exit 1`;
  const python = `import urllib.request as r;r.urlopen("${url}",timeout=4)`;
  const node = `fetch("${url}",{signal:AbortSignal.timeout(4000)}).then(r=>{if(!r.ok)throw Error("status "+r.status);process.exit(0)}).catch(e=>{console.error(e.cause?.code??e.message);process.exit(1)})`;
  return [
    `if command -v curl >/dev/null; then exec curl -fsS -m 4 -o /dev/null '${url}'; fi`,
    `if command -v wget >/dev/null; then exec wget -q -T 4 -O /dev/null '${url}'; fi`,
    `if command -v bash >/dev/null; then exec bash --norc -c '${bash}'; fi`,
    `if command -v python3 >/dev/null; then exec python3 -c '${python}'; fi`,
    `if command -v node >/dev/null; then exec node -e '${node}'; fi`,
    "echo 'the image has none of curl, wget, bash, python3 and node to ask for its health: add one of them' >&2; exit 1",
  ].join("; ");
}

/** A secret that a container reads as `/run/secrets/NAME`. */
export interface MountedSecret {
  name: string;
  secret: docker.Secret;
}
