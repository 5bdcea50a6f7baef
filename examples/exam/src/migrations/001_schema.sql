CREATE TABLE students (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  number text NOT NULL UNIQUE,
  name text NOT NULL,
  -- sha256 of "number:CODE": codes are issued at random for one session, so no slow hash is needed.
  access_code_hash text NOT NULL
);

CREATE TABLE exams (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  title text NOT NULL,
  description text NOT NULL,
  duration_minutes integer NOT NULL CHECK (duration_minutes > 0),
  -- Milliseconds, as browsers and Node have them: an extension compares the end it has seen.
  opens_at timestamptz(3),
  -- No end: the exam stays open until somebody closes it.
  closes_at timestamptz(3),
  CHECK (closes_at IS NULL OR opens_at IS NOT NULL)
);

CREATE TABLE questions (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  exam_id integer NOT NULL REFERENCES exams,
  position integer NOT NULL,
  kind text NOT NULL CHECK (kind IN ('choice', 'text')),
  prompt text NOT NULL,
  points integer NOT NULL CHECK (points > 0),
  -- [{"key": "a", "text": "…"}, …] for a choice, empty for a text.
  options jsonb NOT NULL DEFAULT '[]',
  UNIQUE (exam_id, position)
);

CREATE TABLE sittings (
  student_id integer NOT NULL REFERENCES students,
  exam_id integer NOT NULL REFERENCES exams,
  started_at timestamptz(3) NOT NULL DEFAULT now(),
  submitted_at timestamptz(3),
  PRIMARY KEY (student_id, exam_id)
);

-- The log of every saved answer. Nothing in it is ever changed: what a student was told is saved
-- can be found again, with the moment it was saved.
CREATE TABLE answers (
  student_id integer NOT NULL REFERENCES students,
  exam_id integer NOT NULL REFERENCES exams,
  question_id integer NOT NULL REFERENCES questions,
  -- Counted up by the client for each question: a repeated request is recognised by it.
  sequence integer NOT NULL CHECK (sequence > 0),
  value text NOT NULL,
  saved_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (student_id, exam_id, question_id, sequence)
);

CREATE INDEX answers_saved_at ON answers USING brin (saved_at) WITH (pages_per_range = 16);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'answers are kept as they were saved';
END
$$;

CREATE TRIGGER answers_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON answers
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE VIEW current_answers AS
  SELECT DISTINCT ON (student_id, exam_id, question_id)
    student_id, exam_id, question_id, sequence, value, saved_at
  FROM answers
  ORDER BY student_id, exam_id, question_id, sequence DESC;
