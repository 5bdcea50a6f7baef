import type { LabStack } from "../../../scripts/drills/lab-stack";

/** What runs on a machine, with marks that change when a server takes its settings anew. */
export interface Snapshot {
  /** Containers by service, sorted. */
  containers: Record<string, string[]>;
  /** By service: another value means that it was reloaded. */
  marks: Record<string, string>;
}

/** Prints lines `container SERVICE ID` and `mark SERVICE TEXT`. */
const LOOK = `
# An update counts as done while the last replicas that were replaced still finish their requests.
for _ in $(seq 240); do
  if [ "$(docker ps -q --filter label=com.docker.swarm.service.name=web | wc -l)" = "$(docker service inspect web --format '{{.Spec.Mode.Replicated.Replicas}}')" ]; then break; fi
  sleep 0.5
done
docker ps --no-trunc --format 'container {{.Label "com.docker.swarm.service.name"}} {{.ID}}'
of() { docker ps -q --filter "label=com.docker.swarm.service.name=$1-vm1" | head -n 1; }
echo "mark nginx $(docker top "$(of nginx)" -eo pid,args | awk '/worker process$/ { print $1; exit }')"
echo "mark router $(docker top "$(of router)" -eo pid,args | awk '/haproxy/ { pid = $1 } END { print pid }')"
echo "mark pgbouncer $(docker logs "$(of pgbouncer)" 2>&1 | grep -c 're-reading config')"
echo "mark postgres $(docker exec "$(of postgres)" psql -U postgres -Atc 'SELECT pg_conf_load_time()' | tr ' ' T)"
echo "mark postgres-start $(docker exec "$(of postgres)" psql -U postgres -Atc 'SELECT pg_postmaster_start_time()' | tr ' ' T)"
echo "mark valkey $(docker exec "$(of valkey)" bash -c 'REDISCLI_AUTH=$(sed -n "s/^requirepass \\"\\(.*\\)\\"$/\\1/p" /etc/trivet/valkey.conf) valkey-cli config get maxmemory' | tail -n 1)"
echo "mark kernel $(sysctl -n net.ipv4.tcp_keepalive_probes)"
echo "mark firewall $(nft list table inet trivet | sed 's/packets [0-9]* bytes [0-9]*//' | md5sum | cut -c1-12)"
echo "mark docker $(systemctl show docker -p MainPID --value)-$(md5sum < /etc/docker/daemon.json | cut -c1-12)"
`;

/** Looks at the one machine of a stack. */
export async function snapshot(stack: LabStack): Promise<Snapshot> {
  const text = await stack.onMachine("vm1", LOOK);
  const containers: Record<string, string[]> = {};
  for (const [, service = "", id = ""] of text.matchAll(/^container (\S+) (\S+)$/gm)) {
    containers[service] = [...(containers[service] ?? []), id].sort();
  }
  const marks = [...text.matchAll(/^mark (\S+) (.*)$/gm)].map(([, name = "", mark = ""]) => [
    name,
    mark,
  ]);
  return { containers, marks: Object.fromEntries(marks) as Record<string, string> };
}

/** What happened between two looks, in words; "nothing" if nothing did. */
export function effect(before: Snapshot, after: Snapshot): string {
  const services = new Set([...Object.keys(before.containers), ...Object.keys(after.containers)]);
  const ofContainers = [...services].sort().flatMap((service) => {
    const [was, is] = [before.containers[service] ?? [], after.containers[service] ?? []];
    return containerEffect(service, was, is);
  });
  const replaced = ofContainers.join(" ");
  const ofServers = Object.keys(after.marks)
    .filter((name) => after.marks[name] !== before.marks[name])
    .filter((name) => !replaced.includes(`${name.replace("-start", "")}-vm1`));
  return (
    [...ofContainers, ...ofServers.flatMap((name) => serverEffect(name, ofServers))].join("; ") ||
    "nothing"
  );
}

function containerEffect(service: string, was: readonly string[], is: readonly string[]): string[] {
  const stayed = was.filter((id) => is.includes(id)).length;
  if (stayed === was.length && stayed === is.length) return [];
  if (was.length === 0) return [`${service} starts`];
  if (is.length === 0) return [`${service} ends`];
  if (stayed === 0)
    return [was.length > 1 ? `${service}: replicas replaced one by one` : `${service} restarts`];
  return is.length > was.length ? [`${service}: more replicas`] : [`${service}: fewer replicas`];
}

const LIVE: Readonly<Record<string, string>> = {
  nginx: "nginx reloads",
  router: "HAProxy reloads",
  pgbouncer: "pgBouncer reloads",
  postgres: "Postgres reloads",
  "postgres-start": "Postgres restarts inside its container",
  valkey: "Valkey takes it live",
  kernel: "the kernel takes it live",
  firewall: "rules are replaced at once",
  docker: "Docker reads its file again",
};

/** A restart reloads too. */
const serverEffect = (name: string, all: readonly string[]): string[] =>
  name === "postgres" && all.includes("postgres-start") ? [] : [LIVE[name] ?? name];
