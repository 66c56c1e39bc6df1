"""What names tell by themselves: a variable's that it holds a secret."""

from __future__ import annotations

from typing import Final

#: A prefix lets no name out that has one of these words in it; an exact name does.
_SECRET_WORDS: Final = (
    *("TOKEN", "SECRET", "PASS", "CREDENTIAL", "APIKEY", "_KEY", "AUTH", "PRIVATE", "COOKIE"),
    "BEARER",
)
#: GIT_AUTHOR_ has AUTH in it and no secret.
_NOT_SECRET: Final = ("AUTHOR",)


def is_secret(name: str) -> bool:
    """True where a variable of that name usually holds a secret."""
    upper = name.upper()
    for harmless in _NOT_SECRET:
        upper = upper.replace(harmless, "")
    return any(word in upper for word in _SECRET_WORDS)
