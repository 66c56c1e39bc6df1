DROP TABLE samples;
PRAGMA user_version = 5;
