-- Attempts are a projection too, so that what is already there can be filled in from the events.
CREATE TABLE attempts (
    task        TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    attempt     INTEGER NOT NULL,
    session     TEXT NOT NULL,
    keeper      TEXT NOT NULL,
    started_at  REAL NOT NULL,
    ended_at    REAL,
    exit_code   INTEGER,
    exit_signal INTEGER,
    PRIMARY KEY (task, attempt)
) STRICT, WITHOUT ROWID;

INSERT INTO attempts (session, task, attempt, keeper, started_at)
SELECT json_extract(body, '$.session'), task, json_extract(body, '$.attempt'),
       json_extract(body, '$.keeper'), at
FROM events
WHERE kind = 'attempt.started'
ORDER BY seq;

UPDATE attempts
SET ended_at = e.at,
    exit_code = json_extract(e.body, '$.exit.code'),
    exit_signal = json_extract(e.body, '$.exit.signal')
FROM events AS e
WHERE e.kind = 'attempt.exited'
  AND e.task = attempts.task
  AND json_extract(e.body, '$.attempt') = attempts.attempt;

PRAGMA user_version = 2;
