import { Command } from "commander";
import { stackOutputs } from "../stack/pulumi";
import { configFileOf } from "../stack/stack-config";
import { dumpNow, renderDumps, storedDumps } from "./dumps";
import { handOver, liveManager, machinesOf, quote, tryOn } from "./machines";
import { reboot, restartByCommand } from "./reboot";
import { restore } from "./restore";
import { isHealthy, readStatus, renderStatus } from "./status";
import { switchover } from "./switchover";
import { confirmed, interruptible } from "./terminal";

const program = new Command("./scripts/trivet")
  .description("Looks at a running stack, and gets into it.")
  .option("-s, --stack <name>", "the stack", "local");

const outputs = async () => {
  const { stack } = program.opts<{ stack: string }>();
  return await stackOutputs(stack, configFileOf(stack));
};
const manager = async () => await liveManager(machinesOf(await outputs()));

program
  .command("status")
  .description("machines, services, database, certificate; exit code 1 if something is missing")
  .option("--json", "for scripts")
  .action(async ({ json }: { json?: boolean }) => {
    const status = await readStatus(await outputs());
    process.stdout.write(
      json === true ? `${JSON.stringify(status, null, 2)}\n` : renderStatus(status, new Date()),
    );
    if (!isHealthy(status)) process.exitCode = 1;
  });

program
  .command("logs <service>")
  .description("the log of a service, from every machine")
  .option("-f, --follow", "go on with what comes")
  .option("-n, --tail <lines>", "lines of each task", "100")
  .action(async (service: string, options: { follow?: boolean; tail: string }) => {
    const follow = options.follow === true ? "--follow " : "";
    const command = `docker service logs ${follow}--tail ${quote(options.tail)} ${quote(service)}`;
    process.exitCode = await handOver(await manager(), command);
  });

program
  .command("psql [arguments...]")
  .description("opens the application's database as the superuser, on the primary")
  .allowUnknownOption()
  .action(async (given: string[]) => {
    const { database } = await outputs();
    const find = findContainer("postgres-");
    const words = ["psql", "-U", "postgres", ...(given.length > 0 ? given : []), database.name];
    process.exitCode = await onMachineWith("primary", find, words);
  });

program
  .command("exec <service> <command...>")
  .description("runs a command in a container of a service: exec web -- sh")
  .allowUnknownOption()
  .action(async (service: string, command: string[]) => {
    process.exitCode = await onMachineWith("container", findContainer(service), command);
  });

program
  .command("dump")
  .description("dumps the database now, as the nightly timer does; says where the dump is")
  .action(async () => {
    process.stdout.write(await dumpNow(await outputs()));
  });

program
  .command("dumps")
  .description("the dumps on the machines, the newest first")
  .action(async () => {
    process.stdout.write(renderDumps(await storedDumps(await outputs())));
  });

program
  .command("restore <file>")
  .description(
    "puts a dump (a file here, or one that `dumps` lists) in the database's place; what was there is kept under another name",
  )
  .option("-y, --yes", "do not ask")
  .option("--no-owner", "give everything to the application's role: for a dump of another platform")
  .action(async (file: string, { yes, owner }: { yes?: boolean; owner: boolean }) => {
    const { stack } = program.opts<{ stack: string }>();
    const told = await restore(await outputs(), file, {
      yes: yes === true,
      keepOwners: owner,
      from: process.env.TRIVET_CALLED_FROM ?? process.cwd(),
      command: `./scripts/trivet${stack === "local" ? "" : ` -s ${stack}`}`,
    });
    process.stdout.write(told);
  });

const say = (line: string) => process.stdout.write(`${line}\n`);

program
  .command("switchover")
  .description("makes a standby the primary; queries wait for some seconds meanwhile")
  .option("--to <machine>", "the new primary; by default the standby that follows best")
  .action(async ({ to }: { to?: string }) => {
    const signal = interruptible();
    say(await switchover(await outputs(), { say, signal, ...(to !== undefined && { to }) }));
  });

program
  .command("reboot [machines...]")
  .description("restarts machines (default: all), one after the other, the primary's last")
  .option("-y, --yes", "do not ask")
  .addHelpText(
    "after",
    `
Each machine is emptied first: another one becomes the primary, and application replicas start
elsewhere before they end there. Nothing is restarted unless everything is redundant.

  TRIVET_REBOOT_COMMAND   command that restarts the machine, given its name as the last word
                          (default: systemctl reboot over SSH)`,
  )
  .action(async (machines: string[], { yes }: { yes?: boolean }) => {
    const command = process.env.TRIVET_REBOOT_COMMAND ?? "";
    const cwd = process.env.TRIVET_CALLED_FROM ?? process.cwd();
    const told = await reboot(await outputs(), {
      machines,
      say,
      agree: async (question) => yes === true || (await confirmed("reboot", question)),
      signal: interruptible(),
      ...(command !== "" && { restart: restartByCommand(command, cwd) }),
    });
    say(told);
  });

/** Prints the container of a service, or of a platform service when the name ends with a hyphen. */
function findContainer(service: string): string {
  const label = "com.docker.swarm.service.name";
  const pattern = service.endsWith("-") ? `^${service}` : `^${service}$`;
  return `docker ps --format '{{.ID}} {{.Label "${label}"}}' | while read -r id name; do if printf '%s' "$name" | grep -q ${quote(pattern)}; then echo "$id"; break; fi; done`;
}

/** Runs words in the container that `find` prints, on the first machine which has the right one. */
async function onMachineWith(
  what: "primary" | "container",
  find: string,
  words: readonly string[],
): Promise<number> {
  const inRecovery = `docker exec "$id" psql -U postgres -Atc 'select pg_is_in_recovery()'`;
  const right = what === "primary" ? `test "$(${inRecovery})" = f` : `test -n "$id"`;
  for (const machine of machinesOf(await outputs())) {
    const found = await tryOn(machine, `id=$(${find}); ${right}; echo "$id"`, 5);
    const id = found?.trim() ?? "";
    if (id === "") continue;
    const terminal = process.stdin.isTTY && process.stdout.isTTY ? "-it" : "-i";
    return await handOver(machine, `docker exec ${terminal} ${id} ${words.map(quote).join(" ")}`);
  }
  throw new Error(
    `no machine that answers has a running ${what === "primary" ? "primary" : "container of it"}: see ./scripts/trivet status`,
  );
}

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`trivet: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
