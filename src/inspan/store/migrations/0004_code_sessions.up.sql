-- What happens in a session is in its transcript, a file; here is that it exists and where it
-- stands. `number` is the order in which they were opened.
CREATE TABLE code_sessions (
    number     INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    name       TEXT,
    state      TEXT NOT NULL,
    created_at REAL NOT NULL,
    ended_at   REAL,
    key        TEXT,
    key_digest TEXT,
    body       TEXT NOT NULL
) STRICT;
CREATE INDEX code_sessions_open ON code_sessions (number) WHERE state <> 'terminated';
CREATE INDEX code_sessions_by_name ON code_sessions (name) WHERE name IS NOT NULL;
CREATE UNIQUE INDEX code_sessions_by_key ON code_sessions (key) WHERE key IS NOT NULL;

PRAGMA user_version = 4;
