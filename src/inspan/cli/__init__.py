"""The command line: a guest of Control. One file for each verb; nothing here decides anything."""
