DROP TABLE events;
DROP TABLE tasks;
PRAGMA application_id = 0;
PRAGMA user_version = 0;
