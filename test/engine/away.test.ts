import assert from "node:assert/strict";
import { filesIn, parseInput } from "../unit/support/script-input";
import { FakeSwarm } from "./support/fake-swarm";
import { killAll } from "./support/interruption";
import { Project, type Said } from "./support/project";
import { configurationOf, FIRST_SHAPE, type Shape } from "./support/small-platform";
import { parseState } from "./support/steps";
import { startSwarmMachine, type SwarmMachine } from "./support/swarm-machine";

const UP = ["--yes", "--skip-preview"];
const NGINX_CONF = "/etc/trivet/nginx/nginx.conf";
/** Nothing of it is changed while a machine is away, whatever is asked for. */
const STATEFUL = ["etcd", "postgres", "valkey", "valkey-sentinel"];

describe("a machine that is away", function () {
  this.timeout(900_000);
  const project = new Project("prod");
  const swarm = new FakeSwarm();
  const machines: SwarmMachine[] = [];
  /** How many commands each machine had been asked for when the last update began. */
  let earlier: number[] = [];
  let shape: Shape = { ...FIRST_SHAPE, worker: false, bodyMiB: 11 };

  const machine = (name: string): SwarmMachine => {
    const found = machines[Number(name.slice(2)) - 1];
    assert.ok(found !== undefined, name);
    return found;
  };
  /** The scripts that the last update ran on a machine, by their resource, and what they read. */
  function ran(name: string): Record<string, string> {
    const { commands } = machine(name);
    const since = commands.slice(earlier[machines.indexOf(machine(name))]);
    const scripts = since.flatMap(({ command, input }) => {
      const [, resource] = /^if .* # (.*)$/.exec(command) ?? [];
      return resource === undefined || resource === "trivet-probe" ? [] : [[resource, input]];
    });
    return Object.fromEntries(scripts) as Record<string, string>;
  }
  async function up(changes: Partial<Shape>, ...more: string[]): Promise<Said> {
    earlier = machines.map(({ commands }) => commands.length);
    shape = { ...shape, ...changes };
    project.configure(configurationOf(shape, ...machines));
    const said = await project.run("up", ...UP, ...more);
    assert.equal(said.code, 0, said.all);
    return said;
  }
  /** nginx's largest body, as the last update wrote it on a machine. */
  function bodyWritten(name: string): string | undefined {
    const input = ran(name)[`nginx-${name}-files`];
    const conf = input === undefined ? "" : filesIn(parseInput(input).data)[NGINX_CONF]?.content;
    return /client_max_body_size (\w+);/.exec(conf ?? "")?.[1];
  }
  const dataServices = () =>
    STATEFUL.flatMap((kind) => ["vm1", "vm2", "vm3"].map((name) => `${kind}-${name}`)).map(
      (name) => {
        const { ID, version } = swarm.services.get(name);
        return `${name} ${ID} ${version}`;
      },
    );
  const logLevel = () => JSON.stringify(swarm.services.get("web").spec);
  async function providerHost(): Promise<unknown> {
    const { resources } = parseState(await project.state());
    return resources.find(({ urn }) => urn.endsWith("::swarm-provider"))?.outputs.host;
  }

  before(async () => {
    for (let i = 0; i < 3; i += 1) machines.push(await startSwarmMachine(swarm));
    await project.init(configurationOf(shape, ...machines));
    const said = await up({});
    process.stdout.write(`      three machines in ${said.seconds.toFixed(0)} s\n`);
  });
  after(async () => {
    killAll(project);
    for (const each of machines) await each.stop();
    project.remove();
  });

  for (const [silent, lead, bodyMiB] of [
    ["vm3", "vm1", 22],
    ["vm1", "vm2", 33],
  ] as const) {
    describe(`${silent}, of three`, () => {
      const others = ["vm1", "vm2", "vm3"].filter((name) => name !== silent);
      let said: Said;
      let data: string[];
      let nginx: string;
      const nginxThere = () => JSON.stringify(swarm.services.get(`nginx-${silent}`));
      const router = (name: string) => swarm.services.get(`router-${name}`).version;
      const routers = new Map<string, ReturnType<typeof router>>();

      before(async () => {
        data = dataServices();
        nginx = nginxThere();
        for (const name of others) routers.set(name, router(name));
        machine(silent).silence();
        const debian = `debian:while-${silent}-is-away`;
        said = await up({ bodyMiB, debian, logLevel: `while-${silent}-is-away` });
      });

      it("is gone round, with a warning that names it once", () => {
        const expected = `trivet:machines.${silent} (127.0.0.1 port ${machine(silent).port}) does not answer (`;
        // At once, and again among all that the update has to tell.
        const warnings = said.all.split("\n").filter((line) => line.includes(expected));
        const lines = [...new Set(warnings.map((line) => line.slice(line.indexOf("trivet:"))))];
        assert.equal(lines.length, 1, said.all);
        assert.match(lines[0] ?? "", /what runs there is left as it is, and the first update /);
        assert.match(lines[0] ?? "", /etcd, Postgres and Valkey keep their images on the other/);
      });

      it("keeps what it has, and the others get the change", () => {
        assert.deepEqual(Object.keys(ran(silent)), []);
        for (const name of others) assert.equal(bodyWritten(name), `${bodyMiB}m`, name);
        assert.equal(nginxThere(), nginx);
        assert.ok(logLevel().includes(`while-${silent}-is-away`));
      });

      it("leaves the others' members of a cluster as they are, which can spare none", () => {
        assert.deepEqual(dataServices(), data);
        for (const name of others) {
          assert.ok(routers.get(name) !== router(name), name);
          assert.ok(!Object.keys(ran(name)).includes(`postgres-${name}-handover`), name);
        }
      });

      it("leads nothing", async () => {
        const scripts = Object.keys(ran(lead));
        for (const name of ["web-migrate", "web-try", "swarm-nodes"]) {
          assert.ok(scripts.includes(name), `${lead} ran ${scripts.join(", ")}`);
        }
        assert.equal(await providerHost(), `ssh://root@127.0.0.1:${machine(lead).port}`);
        assert.ok(parseInput(ran(lead)["swarm-nodes"] ?? "").args.includes("manager away"));
      });

      it("is gone round again by an update that changes nothing", async () => {
        await up({}, "--expect-no-changes");
      });

      it("is brought level by the first update that reaches it", async () => {
        await machine(silent).speak();
        const back = await up({});
        assert.doesNotMatch(back.all, /does not answer/);
        assert.equal(bodyWritten(silent), `${bodyMiB}m`);
        assert.ok(!parseInput(ran("vm1")["swarm-nodes"] ?? "").args.includes("away"));
        assert.equal(await providerHost(), `ssh://root@127.0.0.1:${machine("vm1").port}`);
        const same = dataServices().filter((each) => data.includes(each));
        assert.deepEqual(same, []);
        for (const name of ["vm1", "vm2", "vm3"]) {
          assert.ok(Object.keys(ran(name)).includes(`postgres-${name}-handover`), name);
        }
      });

      it("is level then: the next update has nothing to do", async () => {
        await up({}, "--expect-no-changes");
        const scripts = machines.flatMap((_, i) => Object.keys(ran(`vm${i + 1}`)));
        assert.deepEqual(scripts, []);
        assert.deepEqual(
          machines.flatMap(({ unanswered }) => unanswered),
          [],
        );
      });
    });
  }
});
