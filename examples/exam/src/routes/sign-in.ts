import type { z } from "zod";
import type { Config } from "../config";
import { Problem } from "../problem";
import type { Services } from "../services";
import type { StudentSession } from "../sessions";
import type { signInForm } from "./inputs";

/** Attempts per minute for one student number or one administrator's address. */
export const ATTEMPTS_PER_MINUTE = 10;

/** Finds the student that the form names; throws a {@link Problem} otherwise. */
export async function checkStudent(
  form: z.output<typeof signInForm>,
  address: string,
  config: Config,
  { exams, rateLimiter }: Services,
): Promise<Omit<StudentSession, "role">> {
  // By address the limit is generous: a whole lecture hall may share one.
  await rateLimiter.hit("sign-in-address", address, config.rateLimitPerMinute);
  await rateLimiter.hit("sign-in-number", form.number, ATTEMPTS_PER_MINUTE);
  const student = await exams.findStudent(form.number, form.code);
  if (student === null) {
    throw new Problem(403, "wrong_code", "Student number and access code do not belong together.");
  }
  return { studentId: student.id, number: student.number, name: student.name };
}
