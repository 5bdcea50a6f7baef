import { parseArgs } from "node:util";
import { findOpenExam, openSite } from "./client";
import { type LoadOptions, runLoad } from "./run";

const HELP = `usage: node --import tsx load/answers.ts URL [options]
Signs demo students in, saves numbered answers at a bounded rate, and then looks whether every
answer that the server acknowledged is found again. Prints one JSON object on standard output.

  --students N   how many students write (default 20, at most 200)
  --first N      number of the first demo student (default 1)
  --rate N       saves per second, all students together (default 50)
  --seconds N    for how long (default 30)
  --exam ID      which exam (default: the first open one)
  --timeout N    seconds that one request may take (default 30)
  --insecure     accept any certificate, for a self-signed one

exit status: 0 nothing was lost, 1 acknowledged answers were lost or the run failed, 2 usage`;

class UsageError extends Error {}

function wholeNumber(
  name: string,
  text: string | undefined,
  byDefault: number,
  maximum: number,
): number {
  const value = text === undefined ? byDefault : Number(text);
  if (!Number.isInteger(value) || value < 1 || value > maximum) {
    throw new UsageError(`--${name} must be a whole number from 1 to ${String(maximum)}`);
  }
  return value;
}

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      students: { type: "string" },
      first: { type: "string" },
      rate: { type: "string" },
      seconds: { type: "string" },
      exam: { type: "string" },
      timeout: { type: "string" },
      insecure: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const [address] = positionals;
  if (address === undefined || !URL.canParse(address)) {
    throw new UsageError("give the address of the exam server, such as https://exam.example.org");
  }
  const students = wholeNumber("students", values.students, 20, 200);
  const first = wholeNumber("first", values.first, 1, 200);
  if (first + students > 201) throw new UsageError("there are 200 demo students");
  return {
    base: new URL(address),
    insecure: values.insecure,
    timeout: wholeNumber("timeout", values.timeout, 30, 600),
    exam:
      values.exam === undefined ? undefined : wholeNumber("exam", values.exam, 1, 2_147_483_647),
    students,
    first,
    rate: wholeNumber("rate", values.rate, 50, 2_000),
    seconds: wholeNumber("seconds", values.seconds, 30, 3_600),
  };
}

async function main(): Promise<void> {
  const given = readArguments();
  if (given === undefined) {
    process.stdout.write(`${HELP}\n`);
    return;
  }
  const site = openSite(given.base, given.insecure, given.timeout);
  const examId = given.exam ?? (await findOpenExam(site));
  const options: LoadOptions = { ...given, examId };
  const report = await runLoad(site, options, (line) => {
    process.stderr.write(`${line}\n`);
  });
  site.agent.destroy();
  process.stdout.write(`${JSON.stringify(report)}\n`);
  if (report.lost > 0) process.exitCode = 1;
}

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  // What parseArgs throws for an option that it does not know.
  const unknownOption = error instanceof TypeError && "code" in error;
  const usage = error instanceof UsageError || unknownOption;
  process.stderr.write(`answers: ${message}${usage ? "; --help explains" : ""}\n`);
  process.exit(usage ? 2 : 1);
});
