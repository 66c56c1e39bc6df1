DROP TABLE code_sessions;
PRAGMA user_version = 3;
