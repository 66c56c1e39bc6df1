"""A request that cannot be met, as a code and a sentence; knows no verb and no connection.

The codes are those of ``inspan.errors``, as plain words, because the keeper imports nothing of it.
"""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818  it is an answer, and named by what happened
    """The answer to a request is no."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)
