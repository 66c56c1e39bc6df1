"""Code sessions at work: who has one, what is asked of it, and what comes of it."""
