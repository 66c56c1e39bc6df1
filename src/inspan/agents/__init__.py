"""The agents that inspan knows: one file each, pure, from their words to signs and back."""
