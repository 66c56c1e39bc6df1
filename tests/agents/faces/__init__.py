"""The agents' own terminal faces, driven on a terminal and recorded with labels."""
