-- All SQL of the running store, one statement under each name.

-- name: begin
-- Takes the write lock at once, so that a batch cannot fail half-way for want of it.
BEGIN IMMEDIATE;

-- name: commit
-- Returns when the batch is on the disk.
COMMIT;

-- name: rollback
-- Undoes a batch that failed.
ROLLBACK;

-- name: insert_task
-- A new task, with what never changes and what does.
INSERT INTO tasks (
    id, tail, role, name, priority, seq, state, created_at, ended_at, correlation,
    key, key_digest, body
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: update_task
-- The projection as it is after the newest event.
UPDATE tasks SET seq = ?, state = ?, ended_at = ?, body = ? WHERE id = ?;

-- name: insert_event
-- One more fact; nothing ever updates it.
INSERT INTO events (seq, at, task, correlation, kind, body) VALUES (?, ?, ?, ?, ?, ?);

-- name: insert_attempt
-- An attempt is about to be spawned.
INSERT INTO attempts (task, attempt, session, keeper, started_at) VALUES (?, ?, ?, ?, ?);

-- name: end_attempt
-- The process of an attempt has ended.
UPDATE attempts SET ended_at = ?, exit_code = ?, exit_signal = ? WHERE task = ? AND attempt = ?;

-- name: last_seq
-- The end of the events, looked up in the primary key; of those too that are pruned.
SELECT max(coalesce((SELECT max(seq) FROM events), 0), coalesce((SELECT seq FROM highest), 0));

-- name: get_task
-- One task by its full id.
SELECT id, seq, state, correlation, created_at, ended_at, body,
       (SELECT e.body FROM events AS e WHERE e.task = tasks.id ORDER BY e.seq LIMIT 1) AS first
FROM tasks
WHERE id = ?;

-- name: newest_task
-- What `last` means: the newest that was not made for a goal.
SELECT id FROM tasks
WHERE correlation = id
   OR 'goal' = (SELECT json_extract(e.body, '$.spec.kind') FROM events AS e
                WHERE e.task = tasks.id ORDER BY e.seq LIMIT 1)
   OR 'goal' IS NOT (SELECT json_extract(e.body, '$.spec.kind') FROM events AS e
                     WHERE e.task = tasks.correlation ORDER BY e.seq LIMIT 1)
ORDER BY created_at DESC, number DESC LIMIT 1;

-- name: find_tasks
-- Ids that begin with one range or, read backwards, with the other; newest first.
SELECT id FROM (
    SELECT id FROM tasks WHERE id >= :head AND id < :head_end ORDER BY id DESC LIMIT 10
)
UNION
SELECT id FROM tasks WHERE tail >= :tail AND tail < :tail_end
ORDER BY id DESC
LIMIT 10;

-- name: place_of_task
-- Where a task stands in the order of all lists.
SELECT created_at, number FROM tasks WHERE id = ?;

-- name: list_tasks
-- A page over all states, newest first, walked along the index by time.
SELECT id, seq, state, correlation, created_at, ended_at, body,
       (SELECT e.body FROM events AS e WHERE e.task = tasks.id ORDER BY e.seq LIMIT 1) AS first
FROM tasks
WHERE (:role IS NULL OR role = :role)
  AND (:name IS NULL OR name = :name)
  AND (created_at, number) < (:before_at, :before)
ORDER BY created_at DESC, number DESC
LIMIT :limit;

-- name: list_tasks_in_states
-- A page over some states, newest first, through the index by state, since few may be in them.
SELECT id, seq, state, correlation, created_at, ended_at, body,
       (SELECT e.body FROM events AS e WHERE e.task = tasks.id ORDER BY e.seq LIMIT 1) AS first
FROM tasks
WHERE number IN (
    SELECT number
    FROM tasks INDEXED BY tasks_by_state
    WHERE state IN (SELECT value FROM json_each(:states))
      AND (:role IS NULL OR role = :role)
      AND (:name IS NULL OR name = :name)
      AND (created_at, number) < (:before_at, :before)
    ORDER BY created_at DESC, number DESC
    LIMIT :limit
)
ORDER BY created_at DESC, number DESC;

-- name: list_tasks_of_correlation
-- A page of the tasks that belong together, newest first, found by their events: few belong to one.
SELECT id, seq, state, correlation, created_at, ended_at, body,
       (SELECT e.body FROM events AS e WHERE e.task = tasks.id ORDER BY e.seq LIMIT 1) AS first
FROM tasks
WHERE id IN (
    SELECT task FROM events INDEXED BY events_by_correlation
    WHERE correlation = :correlation AND correlation <> task
    UNION SELECT :correlation
)
  AND correlation = :correlation
  AND (json_array_length(:states) = 0 OR state IN (SELECT value FROM json_each(:states)))
  AND (:role IS NULL OR role = :role)
  AND (:name IS NULL OR name = :name)
  AND (created_at, number) < (:before_at, :before)
ORDER BY created_at DESC, number DESC
LIMIT :limit;

-- name: count_states
-- How many tasks are in each state, counted in the index.
SELECT state, count(*) FROM tasks GROUP BY state;

-- name: open_tasks
-- Every task in one of these states, oldest first.
SELECT id, seq, state, correlation, created_at, ended_at, body,
       (SELECT e.body FROM events AS e WHERE e.task = tasks.id ORDER BY e.seq LIMIT 1) AS first
FROM tasks INDEXED BY tasks_by_state
WHERE state IN (SELECT value FROM json_each(:states))
ORDER BY created_at, number;

-- name: history
-- All events after one.
SELECT seq, at, task, correlation, body FROM events WHERE seq > :since ORDER BY seq LIMIT :limit;

-- name: history_of_task
-- The events of a task after one.
SELECT seq, at, task, correlation, body
FROM events
WHERE task = :task AND seq > :since AND (:correlation IS NULL OR correlation = :correlation)
ORDER BY seq
LIMIT :limit;

-- name: history_of_correlation
-- The events of all tasks that belong together, after one.
SELECT seq, at, task, correlation, body
FROM events INDEXED BY events_by_correlation
WHERE correlation = :correlation AND correlation <> task AND seq > :since
UNION ALL
SELECT seq, at, task, correlation, body
FROM events INDEXED BY events_by_task
WHERE task = :correlation AND correlation = :correlation AND seq > :since
ORDER BY seq
LIMIT :limit;

-- name: newest_of_kind
-- Events of one kind since a moment. The newest tells first whether there can be any.
SELECT seq, at, task, correlation, body
FROM events
WHERE seq > (
      SELECT CASE WHEN at > :after THEN seq - :most END FROM events ORDER BY seq DESC LIMIT 1
  )
  AND kind = :kind AND at > :after
ORDER BY seq;

-- name: by_key
-- What an idempotency key was used for.
SELECT id, key_digest FROM tasks WHERE key = :key
UNION ALL
SELECT id, key_digest FROM code_sessions WHERE key = :key;

-- name: prunable
-- Ended tasks older than a moment that no open task waits for, first ended first.
SELECT id, seq, state, correlation, created_at, ended_at, body,
       (SELECT e.body FROM events AS e WHERE e.task = tasks.id ORDER BY e.seq LIMIT 1) AS first
FROM tasks INDEXED BY tasks_by_end
WHERE ended_at < :ended_before
  AND (ended_at, number) > (:after_at, :after)
  AND state IN (SELECT value FROM json_each(:ended))
  AND id NOT IN (
      SELECT wanted.value
      FROM tasks AS waiting INDEXED BY tasks_by_state
      JOIN events AS submitted ON submitted.task = waiting.id
      JOIN json_each(submitted.body, '$.spec.after') AS wanted
      WHERE waiting.state IN (SELECT value FROM json_each(:open))
        AND submitted.kind = 'task.submitted'
  )
ORDER BY ended_at, number
LIMIT :limit;

-- name: end_of_task
-- Where a task stands in the order of ``prunable``.
SELECT ended_at, number FROM tasks WHERE id = ?;

-- name: keep_highest
-- Before events go: a number that was given stays given, or who watches from it on would miss one.
INSERT INTO highest SELECT 'pruned', max(seq) FROM events HAVING max(seq) IS NOT NULL
ON CONFLICT (name) DO UPDATE SET seq = max(seq, excluded.seq);

-- name: delete_task
-- A task with its events and attempts, which go with it by their foreign keys.
DELETE FROM tasks WHERE id = ?;

-- name: schema
-- What the tables and indexes are, as SQLite keeps it.
SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%';

-- name: all_tasks
-- Every task with all that is derived from its events.
SELECT id, seq, state, correlation, created_at, ended_at, body,
       (SELECT e.body FROM events AS e WHERE e.task = tasks.id ORDER BY e.seq LIMIT 1) AS first,
       tail, role, name, priority
FROM tasks;

-- name: told
-- All events of a task.
SELECT seq, at, task, correlation, body FROM events WHERE task = ? ORDER BY seq;

-- name: misnamed_events
-- Events whose columns are not what they say, or not what their task says.
SELECT e.seq,
       CASE WHEN e.seq < 1 THEN 'its number is below 1'
            WHEN e.kind IS NOT json_extract(e.body, '$.kind') THEN 'the kind it is found by is not its own'
            ELSE 'its correlation is not its task''s'
       END
FROM events AS e JOIN tasks AS t ON t.id = e.task
WHERE e.seq < 1
   OR e.kind IS NOT json_extract(e.body, '$.kind')
   OR e.correlation <> t.correlation
ORDER BY e.seq;

-- name: gaps
-- Numbers up to the last event's that no event has.
SELECT coalesce(max(seq) - count(*), 0) FROM events WHERE seq > 0;

-- name: attempts_of_task
-- The attempts of a task, first to last.
SELECT attempt, session, keeper, started_at, ended_at, exit_code, exit_signal
FROM attempts
WHERE task = ?
ORDER BY attempt;

-- name: insert_promise
-- A new promise; one that is settled when it is made needs no second write.
INSERT INTO promises (
    id, state, param, value, timeout_at, create_key, complete_key, tags, created_at, completed_at
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: settle_promise
-- The first to settle it wins, whoever asks.
UPDATE promises SET state = ?, value = ?, complete_key = ?, completed_at = ?
WHERE id = ? AND state = 'pending';

-- name: get_promise
-- One promise by its id.
SELECT id, state, param, value, timeout_at, create_key, complete_key, tags, created_at, completed_at
FROM promises
WHERE id = ?;

-- name: pending_promises
-- What somebody may still wait for, first made first.
SELECT id, state, param, value, timeout_at, create_key, complete_key, tags, created_at, completed_at
FROM promises INDEXED BY promises_pending
WHERE state = 'pending'
ORDER BY number;

-- name: promises_under
-- The ids in a range, in their order.
SELECT id, state, param, value, timeout_at, create_key, complete_key, tags, created_at, completed_at
FROM promises
WHERE id > ? AND id < ?
ORDER BY id;

-- name: delete_promise
-- One that is settled, and that nobody will ask for any more.
DELETE FROM promises WHERE id = ? AND state <> 'pending';

-- name: all_promises
-- Every promise there is.
SELECT id, state, param, value, timeout_at, create_key, complete_key, tags, created_at, completed_at
FROM promises;

-- name: write_code_session
-- A session as it is now; its key is that of the change which made it.
INSERT INTO code_sessions (id, name, state, created_at, ended_at, body, key, key_digest)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE
SET state = excluded.state, ended_at = excluded.ended_at, body = excluded.body;

-- name: get_code_session
-- One session by its id.
SELECT body FROM code_sessions WHERE id = ?;

-- name: code_session_named
-- The newest session of a name.
SELECT body FROM code_sessions WHERE name = ? ORDER BY number DESC LIMIT 1;

-- name: open_code_sessions
-- Those that are not over, first opened first.
SELECT body FROM code_sessions INDEXED BY code_sessions_open
WHERE state <> 'terminated'
ORDER BY number;

-- name: code_sessions
-- All of them, first opened first.
SELECT body FROM code_sessions ORDER BY number;

-- name: delete_code_session
-- One that is over; what else there is of it is on the disk.
DELETE FROM code_sessions WHERE id = ? AND state = 'terminated';

-- name: delete_promises_of_code
-- What the code of a session asked for, where that is over.
DELETE FROM promises
WHERE id > :under AND id < :behind
  AND EXISTS (SELECT 1 FROM code_sessions AS s WHERE s.id = :session AND s.state = 'terminated');

-- name: delete_values_of_code
-- What it kept for itself, in the same case.
DELETE FROM code_values
WHERE space = :session
  AND EXISTS (SELECT 1 FROM code_sessions AS s WHERE s.id = :session AND s.state = 'terminated');

-- name: get_value
-- What code keeps under a key.
SELECT value FROM code_values WHERE space = ? AND key = ?;

-- name: values_beside
-- How much there is in a space beside one key.
SELECT count(*), coalesce(sum(length(key) + length(value)), 0)
FROM code_values
WHERE space = ? AND key <> ?;

-- name: put_value
-- The last one to write it wins.
INSERT INTO code_values (space, key, value) VALUES (?, ?, ?)
ON CONFLICT (space, key) DO UPDATE SET value = excluded.value;

-- name: delete_value
-- A key that is not kept any more.
DELETE FROM code_values WHERE space = ? AND key = ?;

-- name: all_values
-- Everything that code keeps.
SELECT space, key, value FROM code_values;

-- name: all_code_sessions
-- Every session with all that is derived from it.
SELECT id, name, state, created_at, ended_at, body FROM code_sessions;

-- name: put_sample
-- What was measured in the span that ends then; a clock that was set back may end one there again.
INSERT INTO samples (at, span, body) VALUES (?, ?, ?)
ON CONFLICT (at) DO UPDATE SET span = excluded.span, body = excluded.body;

-- name: delete_samples
-- What is older than is kept.
DELETE FROM samples WHERE at < ?;

-- name: get_samples
-- Spans that end after a moment and begin before another, oldest first.
SELECT body FROM samples WHERE at > :since AND at - span < :until ORDER BY at;

-- name: all_samples
-- Everything that was measured.
SELECT at, span, body FROM samples;
