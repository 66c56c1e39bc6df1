"""What inspan talks about, as frozen values and pure functions; no I/O, no clock, no loop."""
