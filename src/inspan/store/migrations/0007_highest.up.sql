-- The highest sequence number of events that are pruned: no later event gets it again. It has one
-- row at most.
CREATE TABLE highest (
    name TEXT NOT NULL PRIMARY KEY CHECK (name = 'pruned'),
    seq  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 7;
