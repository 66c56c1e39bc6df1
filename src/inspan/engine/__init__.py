"""The engine: the only place that turns intentions and observations into events."""
