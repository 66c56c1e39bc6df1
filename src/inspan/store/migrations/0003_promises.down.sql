DROP TABLE promises;
PRAGMA user_version = 2;
