"""Functions that outlive their process: what they have done is stored as promises, step by step."""
