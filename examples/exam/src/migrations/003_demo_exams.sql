INSERT INTO exams (title, description, duration_minutes, opens_at, closes_at) VALUES
  ('Practice exam', 'Get to know the exam room. It has no time limit and does not count.', 60, now(), NULL),
  ('Computer networks', 'Lectures 1 to 9. Notes are not allowed; a calculator is.', 90, NULL, NULL),
  ('Operating systems', 'Processes, memory, file systems. Open book.', 120, NULL, NULL);

INSERT INTO questions (exam_id, position, kind, prompt, points, options)
SELECT exams.id, q.position, q.kind, q.prompt, q.points, q.options::jsonb
FROM exams
JOIN (VALUES
  ('Practice exam', 1, 'choice', 'Which of these is saved without pressing a button?', 1,
    '[{"key":"a","text":"Nothing; press Submit often"},{"key":"b","text":"Every answer, as soon as you give it"},{"key":"c","text":"Only the last answer"}]'),
  ('Practice exam', 2, 'choice', 'What does the word “saved” beside a question tell you?', 1,
    '[{"key":"a","text":"The answer is stored in the database"},{"key":"b","text":"The answer is correct"},{"key":"c","text":"The browser has noticed the answer"}]'),
  ('Practice exam', 3, 'text', 'Write a sentence, and watch the line below it while you type.', 2, '[]'),
  ('Practice exam', 4, 'text', 'Explain in your own words what happens to your answers when the network is away for a minute.', 4, '[]'),
  ('Computer networks', 1, 'choice', 'Which transport protocol retransmits what was lost?', 1,
    '[{"key":"a","text":"UDP"},{"key":"b","text":"TCP"},{"key":"c","text":"IP"},{"key":"d","text":"ICMP"}]'),
  ('Computer networks', 2, 'choice', 'How many hosts can a /28 network address?', 2,
    '[{"key":"a","text":"14"},{"key":"b","text":"16"},{"key":"c","text":"28"},{"key":"d","text":"30"}]'),
  ('Computer networks', 3, 'text', 'What is a three-way handshake for?', 4, '[]'),
  ('Computer networks', 4, 'text', 'A page loads in 40 ms at the office and in 900 ms from abroad. Name two likely reasons, and say how you would tell them apart.', 6, '[]'),
  ('Operating systems', 1, 'choice', 'What does a page fault mean?', 1,
    '[{"key":"a","text":"The memory is broken"},{"key":"b","text":"The page is not mapped at the moment"},{"key":"c","text":"The disk is full"}]'),
  ('Operating systems', 2, 'choice', 'Which call makes sure that written data survives a power cut?', 2,
    '[{"key":"a","text":"write"},{"key":"b","text":"close"},{"key":"c","text":"fsync"},{"key":"d","text":"flush"}]'),
  ('Operating systems', 3, 'text', 'Describe how a deadlock comes about, with an example.', 5, '[]')
) AS q (exam, position, kind, prompt, points, options) ON q.exam = exams.title
ORDER BY exams.id, q.position;
