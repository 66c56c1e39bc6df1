"""The cells that both sides run, and what they print."""

from __future__ import annotations

from typing import Final

LINES: Final = "for n in range(100_000): print('line', n, 'of a hundred thousand in one cell')"
FLUSHED: Final = "for n in range(20_000): print(n, flush=True)"


def wanted(code: str) -> str:
    """What ``code`` prints, every byte of it in order."""
    if code == LINES:
        return "".join(f"line {n} of a hundred thousand in one cell\n" for n in range(100_000))
    return "".join(f"{n}\n" for n in range(20_000))
