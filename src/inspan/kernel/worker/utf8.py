"""Text and bytes as UTF-8, joined, and cut only between characters."""

from __future__ import annotations


def encoded(text: str) -> bytes:
    """``text`` as bytes; what UTF-8 cannot say is written with backslashes."""
    return text.encode("utf-8", "backslashreplace")


def joined(parts: list[str | bytes]) -> bytes:
    """All parts in their order."""
    try:
        return encoded("".join(parts))  # type: ignore[arg-type]  # raises where one is bytes
    except TypeError:
        return b"".join(part if isinstance(part, bytes) else encoded(part) for part in parts)


def unbroken(data: bytes, end: int) -> int:
    """The largest cut of ``data`` up to ``end`` that is not inside a character."""
    for back in range(1, min(4, end) + 1):
        first = data[end - back]
        if first & 0xC0 == 0x80:
            continue
        length = 4 if first >= 0xF0 else 3 if first >= 0xE0 else 2 if first >= 0xC0 else 1
        return end if length <= back else end - back
    return end
