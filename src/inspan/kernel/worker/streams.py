"""``sys.stdout`` and ``sys.stderr`` of a session: they look like files and hand on what they get.

They never know where it goes: that is ``output``.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

#: Takes what was written, text or bytes, under the name of the stream.
Put = Callable[[str, str | bytes], None]
#: Asks that what was written leaves now.
Push = Callable[[], None]


class ByteStream(io.BufferedIOBase):
    """The ``buffer`` of a stream; also its own ``raw``, for it holds nothing back."""

    def __init__(self, name: str, descriptor: int, put: Put, push: Push) -> None:
        self._stream, self._descriptor, self._put, self._push = name, descriptor, put, push
        self.name = f"<{name}>"
        self.mode = "wb"
        self.raw: Any = self

    def write(self, data: ReadableBuffer, /) -> int:
        whole = memoryview(data).tobytes()
        self._put(self._stream, whole)
        return len(whole)

    def flush(self) -> None:
        self._push()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return False

    def close(self) -> None:
        """Only flushes: a session has no other place for what is printed later."""
        self._push()


class TextStream(io.TextIOBase):
    """Text, as UTF-8; what UTF-8 cannot say is written with backslashes."""

    def __init__(self, name: str, descriptor: int, put: Put, push: Push) -> None:
        self._stream, self._put, self._push = name, put, push
        self._bytes = ByteStream(name, descriptor, put, push)
        self.name = f"<{name}>"
        self.mode = "w"
        self.line_buffering = True
        self.write_through = False

    @property
    def buffer(self) -> ByteStream:
        return self._bytes

    @property
    def encoding(self) -> str:  # type: ignore[override]  # the base class declares a variable
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]  # the same
        return "backslashreplace"

    def write(self, text: str, /) -> int:
        given: object = text
        if not isinstance(given, str):
            raise TypeError(f"write() argument must be str, not {type(given).__name__}")
        self._put(self._stream, text)
        return len(text)

    def writelines(self, lines: Iterable[str], /) -> None:  # type: ignore[override]  # text only
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._push()

    def reconfigure(self, *, encoding: str | None = None, **_how: object) -> None:
        """Accepts what is so already; another encoding raises UnsupportedOperation."""
        if encoding is not None and encoding.lower().replace("_", "-") not in {"utf-8", "utf8"}:
            raise io.UnsupportedOperation("the output of a session is UTF-8")

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._bytes.fileno()

    def isatty(self) -> bool:
        return False

    def close(self) -> None:
        """Only flushes: a session has no other place for what is printed later."""
        self._push()
