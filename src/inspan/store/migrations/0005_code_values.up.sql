-- What code keeps with its host. `space` is the id of the session that it is of, or `shared:NAME`;
-- `value` is JSON in ASCII, so that its length is its size.
CREATE TABLE code_values (
    space TEXT NOT NULL,
    key   TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (space, key)
) STRICT;

PRAGMA user_version = 5;
