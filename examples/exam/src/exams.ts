import { createHash } from "node:crypto";
import type { Database } from "./database";

export type ExamState = "open" | "upcoming" | "closed";

export interface Exam {
  readonly id: number;
  readonly title: string;
  readonly description: string;
  readonly durationMinutes: number;
  readonly opensAt: Date | null;
  /** No end when null. */
  readonly closesAt: Date | null;
  readonly questionCount: number;
}

/** An exam in the list of one student. */
export interface ListedExam extends Exam {
  readonly startedAt: Date | null;
  readonly submittedAt: Date | null;
}

export interface Question {
  readonly id: number;
  readonly position: number;
  readonly kind: "choice" | "text";
  readonly prompt: string;
  readonly points: number;
  readonly options: readonly { readonly key: string; readonly text: string }[];
}

export interface Sitting {
  readonly startedAt: Date;
  readonly submittedAt: Date | null;
}

export interface Student {
  readonly id: number;
  readonly number: string;
  readonly name: string;
}

export function examState(
  exam: { readonly opensAt: Date | null; readonly closesAt: Date | null },
  now: number,
): ExamState {
  if (exam.opensAt === null || now < exam.opensAt.getTime()) return "upcoming";
  return exam.closesAt === null || now < exam.closesAt.getTime() ? "open" : "closed";
}

const EXAM_COLUMNS = `
  e.id, e.title, e.description, e.duration_minutes AS "durationMinutes",
  e.opens_at AS "opensAt", e.closes_at AS "closesAt",
  (SELECT count(*)::integer FROM questions q WHERE q.exam_id = e.id) AS "questionCount"`;

/** Exams, questions, students and sittings in the database. */
export class Exams {
  /** `reads` may be a standby: what it says is a moment old, and there is one while the primary moves. */
  constructor(
    private readonly database: Database,
    private readonly reads: Database = database,
  ) {}

  /** What visitors see: all exams, none of them started. From a standby. */
  published(): Promise<ListedExam[]> {
    return this.listFrom(this.reads, null);
  }

  /** All exams, with the sitting of one student; without a student nothing is started. */
  list(studentId: number | null): Promise<ListedExam[]> {
    return this.listFrom(this.database, studentId);
  }

  private listFrom(database: Database, studentId: number | null): Promise<ListedExam[]> {
    return database.query<ListedExam>(
      `SELECT ${EXAM_COLUMNS}, s.started_at AS "startedAt", s.submitted_at AS "submittedAt"
       FROM exams e LEFT JOIN sittings s ON s.exam_id = e.id AND s.student_id = $1
       ORDER BY e.id`,
      [studentId],
    );
  }

  async find(examId: number): Promise<Exam | null> {
    const sql = `SELECT ${EXAM_COLUMNS} FROM exams e WHERE e.id = $1`;
    return (await this.database.query<Exam>(sql, [examId]))[0] ?? null;
  }

  questions(examId: number): Promise<Question[]> {
    return this.database.query<Question>(
      "SELECT id, position, kind, prompt, points, options FROM questions WHERE exam_id = $1 ORDER BY position",
      [examId],
    );
  }

  async findStudent(number: string, code: string): Promise<Student | null> {
    const rows = await this.database.query<Student>(
      "SELECT id, number, name FROM students WHERE number = $1 AND access_code_hash = $2",
      [number, accessCodeHash(number, code)],
    );
    return rows[0] ?? null;
  }

  async sitting(studentId: number, examId: number): Promise<Sitting | null> {
    const rows = await this.database.query<Sitting>(
      `SELECT started_at AS "startedAt", submitted_at AS "submittedAt"
       FROM sittings WHERE student_id = $1 AND exam_id = $2`,
      [studentId, examId],
    );
    return rows[0] ?? null;
  }

  /** Starts an open exam; starting it again changes nothing. */
  async start(studentId: number, examId: number): Promise<void> {
    await this.database.query(
      `INSERT INTO sittings (student_id, exam_id)
       SELECT $1, id FROM exams
       WHERE id = $2 AND opens_at <= now() AND (closes_at IS NULL OR now() < closes_at)
       ON CONFLICT DO NOTHING`,
      [studentId, examId],
    );
  }

  /** Hands an exam in; the first moment counts. */
  async submit(studentId: number, examId: number): Promise<void> {
    await this.database.query(
      `UPDATE sittings SET submitted_at = coalesce(submitted_at, now())
       WHERE student_id = $1 AND exam_id = $2`,
      [studentId, examId],
    );
  }

  /** Opens an exam for its duration from now on. */
  async open(examId: number): Promise<void> {
    await this.database.query(
      `UPDATE exams SET opens_at = now(), closes_at = now() + duration_minutes * interval '1 minute'
       WHERE id = $1`,
      [examId],
    );
  }

  /**
   * Moves the end of an open exam from `seenClosesAt` by `minutes`. An end that has moved meanwhile
   * stays: a form sent twice does not extend twice.
   */
  async extend(examId: number, seenClosesAt: Date, minutes: number): Promise<void> {
    await this.database.query(
      `UPDATE exams SET closes_at = closes_at + $3 * interval '1 minute'
       WHERE id = $1 AND closes_at = $2 AND now() < closes_at`,
      [examId, seenClosesAt, minutes],
    );
  }

  async close(examId: number): Promise<void> {
    await this.database.query(
      `UPDATE exams SET closes_at = now()
       WHERE id = $1 AND opens_at <= now() AND (closes_at IS NULL OR now() < closes_at)`,
      [examId],
    );
  }
}

/** Codes are read from paper: case, blanks and dashes do not matter. */
export const normaliseCode = (code: string): string => code.replace(/[\s-]/g, "").toUpperCase();

export const accessCodeHash = (number: string, code: string): string =>
  createHash("sha256")
    .update(`${number}:${normaliseCode(code)}`)
    .digest("hex");

/** The access code of a demo student, as the migration makes it. */
export function demoAccessCode(number: string): string {
  const digits = createHash("sha256").update(`trivet-exam:${number}`).digest("hex").slice(0, 8);
  return `${digits.slice(0, 4)}-${digits.slice(4)}`.toUpperCase();
}
