"""inspan: runs and supervises command-line agents, durably and many at once."""

__version__ = "0.1.0"
