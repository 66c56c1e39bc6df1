-- A value is kept beside its promise, not in an event: it is written once and read by its id.
-- `number` is the order in which they were made.
CREATE TABLE promises (
    number       INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    state        TEXT NOT NULL,
    param        TEXT NOT NULL,
    value        TEXT NOT NULL,
    timeout_at   REAL,
    create_key   TEXT,
    complete_key TEXT,
    tags         TEXT NOT NULL,
    created_at   REAL NOT NULL,
    completed_at REAL
) STRICT;
CREATE INDEX promises_pending ON promises (number) WHERE state = 'pending';

PRAGMA user_version = 3;
