/** Runs resources of a stand-in without a process or an engine around them. */
import type { Log, Operation, Severity } from "../../../plugins/lib/operation.js";

export class RecordedLog implements Log {
  readonly messages: [Severity, string][] = [];
  readonly statuses: string[] = [];

  message(severity: Severity, text: string) {
    this.messages.push([severity, text]);
  }

  status(_severity: Severity, text: string) {
    this.statuses.push(text);
  }
}

export interface TestOperation extends Operation {
  readonly log: RecordedLog;
}

export function operation(signal: AbortSignal = new AbortController().signal): TestOperation {
  return { log: new RecordedLog(), signal };
}
