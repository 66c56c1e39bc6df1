DROP TABLE code_values;
PRAGMA user_version = 4;
