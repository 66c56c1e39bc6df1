"""The keeper: a small process that is the parent of every child inspan starts.

It owns processes, terminals and recordings, and nothing else: no tasks, no database, no policy.
Standard library only, and nothing of the rest of inspan, so that it is small, starts fast and
never needs to be restarted for an upgrade. ``client`` is its other half, inside the daemon.
"""
