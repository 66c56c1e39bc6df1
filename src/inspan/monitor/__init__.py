"""The performance monitor: it listens and measures, and never acts."""
