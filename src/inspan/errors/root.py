"""What all errors are: a sentence, a stable code, and a hint at what a person can do next."""

from __future__ import annotations

from typing import ClassVar


class InspanError(Exception):
    """Something went wrong in inspan."""

    code: ClassVar[str] = "inspan"
    default_hint: ClassVar[str] = "Run `inspan doctor` to see what is amiss."

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.hint = hint or self.default_hint
        super().__init__(self.message)
