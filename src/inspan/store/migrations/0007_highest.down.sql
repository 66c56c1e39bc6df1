DROP TABLE highest;
PRAGMA user_version = 6;
