"""The child side of a code session. It imports the standard library and ``kernel.frames`` only."""
