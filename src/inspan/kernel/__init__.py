"""Python code sessions: a worker process that runs cells, and the host half that speaks to it.

``worker`` is the child side: the standard library only, and nothing of the rest of inspan.
``host`` lives in the daemon or in a program. Between them: ``frames`` and ``protocol``.
"""
