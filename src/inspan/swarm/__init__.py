"""A goal, from words to merged work: planned, handed out, reviewed and merged. A guest of Control.

It has no power that a user lacks, and nothing that it knows is kept anywhere but in events and git.
"""
