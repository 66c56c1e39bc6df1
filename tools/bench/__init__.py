"""Benchmarks: inspan beside its alternatives, in one run; ``python -m tools.bench``."""
