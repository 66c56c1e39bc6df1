-- Tasks are the projection of events; deleting a task deletes its events with it.
-- `number` is the order of submission, which ids of one millisecond do not tell.
-- What was asked for is in the task's first event alone: it may be long, and a row that is
-- rewritten at each event should be short.
CREATE TABLE tasks (
    number      INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    tail        TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    state       TEXT NOT NULL,
    role        TEXT NOT NULL,
    name        TEXT NOT NULL,
    priority    INTEGER NOT NULL,
    created_at  REAL NOT NULL,
    ended_at    REAL,
    correlation TEXT NOT NULL,
    key         TEXT,
    key_digest  TEXT,
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX tasks_by_tail ON tasks (tail);
CREATE INDEX tasks_by_state ON tasks (state, created_at);
CREATE INDEX tasks_by_time ON tasks (created_at);
CREATE INDEX tasks_by_end ON tasks (ended_at) WHERE ended_at IS NOT NULL;
CREATE UNIQUE INDEX tasks_by_key ON tasks (key) WHERE key IS NOT NULL;

CREATE TABLE events (
    seq         INTEGER PRIMARY KEY,
    at          REAL NOT NULL,
    task        TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    correlation TEXT NOT NULL,
    kind        TEXT NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_task ON events (task);
-- A task that belongs to no other has its own id as correlation, and needs no entry here.
CREATE INDEX events_by_correlation ON events (correlation) WHERE correlation <> task;

PRAGMA application_id = 0x696E7370;
PRAGMA user_version = 1;
