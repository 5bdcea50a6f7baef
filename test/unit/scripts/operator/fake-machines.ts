import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StackOutputs } from "../../../../scripts/stack/pulumi";

/** All that the scripts for a machine may find there: nothing that could touch the machine of the tests. */
const TOOLS = ["awk", "bash", "cat", "head", "id", "sed", "seq", "sleep", "touch", "tr", "xargs"];

/** In place of ssh: runs the script here, with a world of its own. Its /run is a file name's beginning. */
const SSH = `machine=$1 command=$2
if [ -e "$WORLD/silent-$machine" ]; then exec sleep 30; fi
if [ -e "$WORLD/dead-$machine" ]; then exit 255; fi
export PATH=$WORLD/bin MACHINE=$machine
case $command in
  *"bash -s"*) sed "s#/run/#$WORLD/run-$machine-#g" | bash -c "$command" ;;
  *) exec bash -c "$command" ;;
esac
`;
const CURL = `case "\${!#}" in
  */cluster) cat "$WORLD/cluster-$(cat "$WORLD/primary")" ;;
  */primary) [ "http://$(cat "$WORLD/primary")-address:8008/primary" = "\${!#}" ] ;;
  *) exit 22 ;;
esac
`;

/** keepalived, where the platform has one address. */
const SYSTEMCTL = `case $1 in
  is-enabled) [ -e "$WORLD/entry" ] ;;
  *) echo "$* $MACHINE" >> "$WORLD/log" ;;
esac
`;

/** Machines of a running platform, as the operator's commands see them through "ssh". */
export class FakeMachines {
  readonly folder = mkdtempSync(join(tmpdir(), "trivet-machines-"));
  readonly outputs: StackOutputs;

  constructor(
    private readonly core: readonly string[],
    private readonly app: readonly string[] = [],
  ) {
    const names = [...core, ...app];
    const bin = join(this.folder, "bin");
    mkdirSync(bin);
    for (const tool of TOOLS) {
      symlinkSync(
        execFileSync("bash", ["-c", `type -P ${tool}`])
          .toString()
          .trim(),
        join(bin, tool),
      );
    }
    this.program("sudo", 'shift; exec "$@"\n');
    this.program("curl", CURL);
    this.program("systemctl", SYSTEMCTL);
    copyFileSync(join(__dirname, "fake-docker.sh"), join(bin, "docker"));
    chmodSync(join(bin, "docker"), 0o755);
    this.set("ssh.sh", SSH);
    this.set("primary", core[0] ?? "");
    this.set("log", "");
    this.set("web", [0, 1, 2].map((i) => `${names[i % names.length] ?? ""}\n`).join(""));
    for (const name of core) this.members(name, {});
    const env = `WORLD=${this.folder} MACHINES='${names.join(" ")}'`;
    this.outputs = {
      urls: [],
      database: { name: "app", user: "app" },
      machines: Object.fromEntries(
        names.map((name) => [
          name,
          {
            address: name,
            privateAddress: `${name}-address`,
            role: core.includes(name) ? "core" : "app",
            ssh: `env ${env} bash ${join(this.folder, "ssh.sh")} ${name}`,
          },
        ]),
      ),
    };
  }

  /** What Patroni says while `primary` is that; standbys follow unless `states` says otherwise. */
  members(primary: string, states: Record<string, string>): void {
    const members = this.core.map((name) =>
      name === primary
        ? { name, role: "leader", state: "running" }
        : { name, role: "quorum_standby", state: states[name] ?? "streaming", lag: 0 },
    );
    this.set(`cluster-${primary}`, JSON.stringify({ members }));
  }

  private program(name: string, script: string): void {
    const path = join(this.folder, "bin", name);
    writeFileSync(path, `#!/usr/bin/env bash\n${script}`.replace("/usr/bin/env bash", "/bin/bash"));
    chmodSync(path, 0o755);
  }

  /** Makes something so: `busy-vm1`, `no-guard-vm1`, `silent-vm1`, `dead-vm1`, `refusal`, `never`, `no-room`. */
  set(name: string, text = ""): void {
    writeFileSync(join(this.folder, name), text);
  }

  has(name: string): boolean {
    return existsSync(join(this.folder, name));
  }

  /** What a restart does: /run is empty again. */
  restarted(machine: string): void {
    rmSync(join(this.folder, `run-${machine}-trivet-reboot`));
  }

  /** What happened, a line each. */
  get log(): string[] {
    return readFileSync(join(this.folder, "log"), "utf8").split("\n").filter(Boolean);
  }

  /** Where the replicas are. */
  get web(): string[] {
    return readFileSync(join(this.folder, "web"), "utf8").split("\n").filter(Boolean);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
