DROP TABLE attempts;
PRAGMA user_version = 1;
