import { z } from "zod";

const id = z.coerce.number().int().min(1).max(2_147_483_647);

export const examParams = z.object({ id });
export const examQuery = z.object({ exam: id });
export const historyQuery = z.object({
  question: id,
  after: z.coerce.number().int().min(0).max(2_147_483_647).default(0),
});
export const signInForm = z.object({
  number: z
    .string()
    .trim()
    .toLowerCase()
    .min(1, "give your student number")
    .max(32, "is too long for a student number"),
  code: z.string().trim().min(1, "give your access code").max(64, "is too long for an access code"),
  next: z.string().max(200).default("/"),
});
export const adminSignInForm = z.object({ password: z.string().min(1).max(200) });
export const extendForm = z.object({
  closesAt: z.iso.datetime().transform((text) => new Date(text)),
  minutes: z.coerce.number().int().min(1).max(240).default(5),
});
export const answerBody = z.object({
  questionId: id,
  sequence: z.number().int().min(1).max(2_147_483_647),
  /** PostgreSQL's text holds any character but this one. */
  value: z
    .string()
    .max(20_000)
    .refine((text) => !text.includes("\0"), "must not contain a null character"),
});

/** A path of this site; anything else would let a link send people elsewhere after they sign in. */
export const localPath = (path: string): string =>
  /^\/(?![/\\])[\x21-\x7e]*$/.test(path) && !path.includes("\\") ? path : "/";
