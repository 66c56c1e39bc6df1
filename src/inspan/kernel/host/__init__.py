"""The host side of code sessions: starts workers, speaks to them, and ends them."""
