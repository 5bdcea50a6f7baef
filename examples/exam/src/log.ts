import pino, { type LoggerOptions } from "pino";
import type { LogLevel } from "./config";

/** One line of JSON per event on standard output. */
export const loggerOptions = (level: LogLevel): LoggerOptions => ({
  level,
  base: { pid: process.pid },
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label) => ({ level: label }) },
});
