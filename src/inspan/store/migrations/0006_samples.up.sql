-- What the monitor has measured, a row for each span of time in which something happened. `at` is
-- its end in seconds since the epoch, `body` JSON that only the monitor reads.
CREATE TABLE samples (
    at   REAL NOT NULL PRIMARY KEY,
    span REAL NOT NULL,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 6;
