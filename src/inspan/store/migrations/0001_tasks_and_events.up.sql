-- Tasks are the projection of events; deleting a task deletes its events with it.
-- `number` is the order of submission, which ids of one millisecond do not tell.
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
    key         TEXT UNIQUE,
    key_digest  TEXT,
    spec        TEXT NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX tasks_by_tail ON tasks (tail);
CREATE INDEX tasks_by_state ON tasks (state, created_at);
CREATE INDEX tasks_by_role ON tasks (role, created_at);
CREATE INDEX tasks_by_time ON tasks (created_at);

CREATE TABLE events (
    seq         INTEGER PRIMARY KEY,
    at          REAL NOT NULL,
    task        TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    correlation TEXT NOT NULL,
    kind        TEXT NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_task ON events (task);
CREATE INDEX events_by_correlation ON events (correlation);

PRAGMA application_id = 0x696E7370;
PRAGMA user_version = 1;
