import { PORTS } from "../../components/core/ports";

/** Version of each program of the platform, by its name. */
export type Versions = Record<string, string>;

const NAMES = ["Postgres", "Patroni", "etcd", "HAProxy", "pgBouncer", "Valkey", "nginx"] as const;

/** Shell whose output {@link parseVersions} reads; asks all containers of one core machine at once. */
export function versionScript(privateAddress: string): string {
  return `curl -s -m 2 http://${privateAddress}:${PORTS.patroni}/patroni | sed 's/^/version patroni /' || true; echo
docker ps --format '{{.ID}} {{.Label "com.docker.swarm.service.name"}}' | {
  while read -r id service; do
    case $service in
      etcd-*) set -- etcd etcd --version ;;
      router-*) set -- HAProxy haproxy -v ;;
      pgbouncer-*) set -- pgBouncer pgbouncer --version ;;
      valkey-router-* | valkey-sentinel-*) continue ;;
      valkey-*) set -- Valkey valkey-server --version ;;
      nginx-*) set -- nginx nginx -v ;;
      *) continue ;;
    esac
    name=$1
    shift
    { said=$(docker exec "$id" "$@" 2>&1 < /dev/null | head -n 1); echo "version $name $said"; } &
  done
  wait
}`;
}

/** Reads the lines of {@link versionScript} among others; what did not answer is left out. */
export function parseVersions(text: string): Versions {
  const said = (name: string, version: RegExp) =>
    version.exec(new RegExp(`^version ${name} .*$`, "m").exec(text)?.[0] ?? "")?.[1];
  const postgres = Number(said("patroni", /"server_version": *(\d+)/) ?? "0");
  const found: Partial<Record<(typeof NAMES)[number], string | undefined>> = {
    Postgres: postgres === 0 ? undefined : `${Math.floor(postgres / 10_000)}.${postgres % 10_000}`,
    Patroni: said("patroni", /"patroni": *\{"version": *"([^"]+)"/),
  };
  return Object.fromEntries(
    NAMES.flatMap((name) => {
      const version = found[name] ?? said(name, /(\d+(?:\.\d+)+)/);
      return version === undefined ? [] : [[name, version]];
    }),
  );
}

/** Lines of at most 80 columns. */
export function renderVersions(versions: Versions): string[] {
  const words = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const lines: string[] = [];
  for (const word of words) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + word.length + 2 <= 79)
      lines[lines.length - 1] = `${line}, ${word}`;
    else lines.push(line === undefined ? `versions: ${word}` : `          ${word}`);
  }
  return lines;
}
