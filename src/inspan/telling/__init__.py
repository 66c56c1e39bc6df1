"""A task, and how much is done, in words for a person: the same words wherever they are shown."""
