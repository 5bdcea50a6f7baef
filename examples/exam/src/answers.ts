import type { Database } from "./database";

export interface Answer {
  readonly questionId: number;
  readonly sequence: number;
  readonly value: string;
  readonly savedAt: Date;
}

export interface NewAnswer {
  readonly studentId: number;
  readonly questionId: number;
  readonly sequence: number;
  readonly value: string;
}

export type SaveResult =
  | { readonly kind: "saved"; readonly savedAt: Date }
  /** A later answer to the same question is stored already, up to sequence `current`. */
  | { readonly kind: "stale"; readonly current: number }
  | {
      readonly kind: "unknown_question" | "not_started" | "submitted" | "closed" | "not_an_option";
    };

export interface MinuteCount {
  /** Start of the minute. */
  readonly minute: Date;
  readonly count: number;
}

export interface ExportedAnswer extends Answer {
  readonly number: string;
  readonly name: string;
  readonly position: number;
}

interface SaveRow {
  acceptable: boolean;
  open: boolean;
  started: boolean;
  submitted: boolean;
  current: number;
  storedValue: string | null;
  storedAt: Date | null;
  savedAt: Date | null;
}

/**
 * One statement looks, decides and inserts, so that it needs one round trip and no transaction
 * spread over several messages. Answers that were given in time but delayed by retries are still
 * taken for half a minute after the end.
 */
const SAVE_SQL = `
  WITH target AS (
    SELECT
      q.id, q.exam_id,
      q.kind = 'text' OR $4 = '' OR q.options @> jsonb_build_array(jsonb_build_object('key', $4::text))
        AS acceptable,
      coalesce(e.opens_at <= now() AND (e.closes_at IS NULL OR now() < e.closes_at + interval '30 seconds'), false)
        AS open,
      s.student_id IS NOT NULL AS started,
      s.submitted_at IS NOT NULL AS submitted,
      coalesce((SELECT max(a.sequence) FROM answers a
                WHERE a.student_id = $1 AND a.exam_id = q.exam_id AND a.question_id = q.id), 0) AS current
    FROM questions q
    JOIN exams e ON e.id = q.exam_id
    LEFT JOIN sittings s ON s.exam_id = e.id AND s.student_id = $1
    WHERE q.id = $2
  ), inserted AS (
    INSERT INTO answers (student_id, exam_id, question_id, sequence, value)
    SELECT $1, exam_id, id, $3, $4 FROM target
    WHERE acceptable AND open AND started AND NOT submitted AND $3 > current
    ON CONFLICT DO NOTHING
    RETURNING saved_at
  )
  SELECT
    target.acceptable, target.open, target.started, target.submitted, target.current,
    stored.value AS "storedValue", stored.saved_at AS "storedAt",
    (SELECT saved_at FROM inserted) AS "savedAt"
  FROM target
  LEFT JOIN answers stored ON stored.student_id = $1 AND stored.exam_id = target.exam_id
    AND stored.question_id = target.id AND stored.sequence = $3`;

/** The log of answers in the database. */
export class Answers {
  constructor(
    private readonly database: Database,
    /** Where reports read; may lag. */
    private readonly replica: Database,
  ) {}

  /** Saves an answer; "saved" means committed. Repeating a saved one is "saved" again. */
  async save(answer: NewAnswer): Promise<SaveResult> {
    const values = [answer.studentId, answer.questionId, answer.sequence, answer.value];
    const look = async (): Promise<SaveResult | null> => {
      const [row] = await this.database.query<SaveRow>(SAVE_SQL, values);
      return row === undefined ? { kind: "unknown_question" } : outcome(row, answer);
    };
    // A second request with the same sequence that came at the same moment was stored after this
    // statement began, and is visible to the next one.
    return (await look()) ?? (await look()) ?? { kind: "stale", current: answer.sequence };
  }

  /** The current answers of one student. */
  current(studentId: number, examId: number): Promise<Answer[]> {
    return this.database.query<Answer>(
      `SELECT question_id AS "questionId", sequence, value, saved_at AS "savedAt"
       FROM current_answers WHERE student_id = $1 AND exam_id = $2 ORDER BY question_id`,
      [studentId, examId],
    );
  }

  /** A page of everything that one student ever saved for a question, after a sequence number. */
  history(studentId: number, questionId: number, after: number, limit: number): Promise<Answer[]> {
    return this.database.query<Answer>(
      `SELECT a.question_id AS "questionId", a.sequence, a.value, a.saved_at AS "savedAt"
       FROM answers a JOIN questions q ON q.id = a.question_id AND q.exam_id = a.exam_id
       WHERE a.student_id = $1 AND q.id = $2 AND a.sequence > $3
       ORDER BY a.sequence LIMIT $4`,
      [studentId, questionId, after, limit],
    );
  }

  /** Answers saved in each of the last minutes; minutes without any are left out. */
  perMinute(minutes: number): Promise<MinuteCount[]> {
    return this.replica.query<MinuteCount>(
      `SELECT date_trunc('minute', saved_at) AS minute, count(*)::integer AS count
       FROM answers WHERE saved_at >= date_trunc('minute', now()) - $1 * interval '1 minute'
       GROUP BY 1 ORDER BY 1`,
      [minutes],
    );
  }

  /** The current answers to an exam, in batches of some students each. */
  async *export(examId: number, batchSize: number): AsyncGenerator<ExportedAnswer[]> {
    let after = 0;
    for (;;) {
      const students = await this.replica.query<{ id: number }>(
        `SELECT student_id AS id FROM sittings WHERE exam_id = $1 AND student_id > $2
         ORDER BY student_id LIMIT $3`,
        [examId, after, batchSize],
      );
      const last = students.at(-1);
      if (last === undefined) return;
      after = last.id;
      yield await this.replica.query<ExportedAnswer>(
        `SELECT s.number, s.name, q.position, a.question_id AS "questionId", a.sequence, a.value,
           a.saved_at AS "savedAt"
         FROM current_answers a JOIN students s ON s.id = a.student_id JOIN questions q ON q.id = a.question_id
         WHERE a.exam_id = $1 AND a.student_id = ANY ($2::integer[])
         ORDER BY s.number, q.position`,
        [examId, students.map((student) => student.id)],
      );
    }
  }
}

function outcome(row: SaveRow, answer: NewAnswer): SaveResult | null {
  if (row.savedAt !== null) return { kind: "saved", savedAt: row.savedAt };
  if (row.storedAt !== null && row.storedValue === answer.value) {
    return { kind: "saved", savedAt: row.storedAt };
  }
  if (!row.started) return { kind: "not_started" };
  if (row.submitted) return { kind: "submitted" };
  if (!row.open) return { kind: "closed" };
  if (!row.acceptable) return { kind: "not_an_option" };
  return row.current >= answer.sequence ? { kind: "stale", current: row.current } : null;
}
