"""Rich values: what a value offers to show, by MIME type, and the messages that show it.

Nothing that the user's classes do here can fail a cell. This never knows how messages travel.
"""

from __future__ import annotations

import binascii
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

from .reprs import name_of, said, sane, text_of

Bundle = dict[str, Any]

#: The largest data of one bundle and the largest metadata, in bytes of JSON; see frames.HEAD_MOST.
MOST_DATA: Final = 5 << 20
MOST_METADATA: Final = 1 << 18
PLAIN: Final = "text/plain"

#: The methods that an object may have, and what they give.
METHODS: Final = {
    "_repr_html_": "text/html",
    "_repr_markdown_": "text/markdown",
    "_repr_latex_": "text/latex",
    "_repr_svg_": "image/svg+xml",
    "_repr_png_": "image/png",
    "_repr_jpeg_": "image/jpeg",
    "_repr_pdf_": "application/pdf",
    "_repr_json_": "application/json",
    "_repr_javascript_": "application/javascript",
}


def bundle(value: object) -> tuple[str, Bundle, Bundle]:
    """The repr of a value, and where it offers more, that by MIME type with its metadata.

    Never raises but KeyboardInterrupt; what a method of the value raises is said on stderr.
    """
    text = text_of(value)
    if type(value) in _SCALARS:
        return text, {}, {}
    data: Bundle = {}
    metadata: Bundle = {}
    for kind, (shown, about) in _offers(value):
        if shown is not None and kind not in data:
            data[kind] = shown
            if about:
                metadata[kind] = about
    data, metadata = _fitted(data, metadata)
    return text, data, metadata


def _offers(value: object) -> Iterator[tuple[str, tuple[Any, Any]]]:
    if isinstance(value, type) or type(value) in _SCALARS:
        return
    whole, about = _call(value, "_repr_mimebundle_")
    if isinstance(whole, dict):
        for kind, shown in whole.items():
            yield str(kind), (shown, about.get(kind) if isinstance(about, dict) else None)
    for method, kind in METHODS.items():
        if hasattr(type(value), method):
            yield kind, _call(value, method)
    if figure := _figure(value):
        yield "image/png", (figure, None)


_SCALARS: Final = frozenset({int, float, bool, str, bytes, type(None), list, dict, tuple, set})


def _call(value: object, name: str) -> tuple[Any, Any]:
    """What a method of the value gives, and its metadata; looked up on the class, as Python does.

    An object that answers to every name would else have every method.
    """
    method = getattr(type(value), name, None)
    if method is None:
        return None, None
    try:
        given = method(value)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # the user's code may raise anything
        sys.stderr.write(f"{name_of(type(value))}.{name} raised {said(error)}\n")
        return None, None
    if isinstance(given, tuple) and len(given) == 2:
        return given
    return given, None


def _figure(value: object) -> bytes | None:
    """A figure of matplotlib as PNG, if matplotlib is in use."""
    module = sys.modules.get("matplotlib.figure")
    if module is None or not isinstance(value, getattr(module, "Figure", ())):
        return None
    import io  # noqa: PLC0415  # rarely needed

    try:
        file = io.BytesIO()
        value.savefig(file, format="png", bbox_inches="tight")  # type: ignore[attr-defined]  # a Figure
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # a backend may raise anything
        sys.stderr.write(f"the figure cannot be drawn: {said(error)}\n")
        return None
    return file.getvalue()


def _fitted(data: Bundle, metadata: Bundle) -> tuple[Bundle, Bundle]:
    """Only what JSON can say, and no more of it than one message holds."""
    kept: Bundle = {}
    left, room = [], MOST_DATA
    for kind, shown in data.items():
        clean, size = _clean(shown)
        if size < 0:
            left.append(f"{kind} cannot be said in JSON")
        elif size > room:
            left.append(f"{kind} is too large, {size:,} bytes")
        else:
            kept[kind] = clean
            room -= size
    if left:
        note = f"(not shown: {'; '.join(left)})"
        kept[PLAIN] = "\n".join(filter(None, (str(kept.get(PLAIN, "")), note)))
    about, size = _clean({k: v for k, v in metadata.items() if k in kept or k not in data})
    return kept, about if 0 <= size <= MOST_METADATA else {}


def _clean(shown: Any) -> tuple[Any, int]:
    """A value as JSON knows it, and its size; -1 where JSON does not know it."""
    if isinstance(shown, bytes | bytearray | memoryview):
        shown = binascii.b2a_base64(shown, newline=False).decode("ascii")
    if isinstance(shown, str):
        if len(shown) > MOST_DATA:
            return None, len(shown)
        shown = sane(str.__str__(shown))
    try:
        said_in_json = json.dumps(shown, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return None, -1
    return json.loads(said_in_json), len(said_in_json)


class Displays:
    """Shows values of the running cell."""

    def __init__(
        self, send: Callable[[dict[str, Any], bytes], None], cell: Callable[[], str | None]
    ) -> None:
        self._send, self._cell = send, cell

    def display(
        self,
        *values: object,
        raw: bool = False,
        display_id: str | bool | None = None,
        update: bool = False,
        metadata: Bundle | None = None,
    ) -> Handle | None:
        """Show each value. With ``raw``, a value is a dict by MIME type already.

        With a ``display_id`` (True for a new one) what is shown can be shown anew by the handle.
        Raises TypeError where a raw value is no dict.
        """
        name = os.urandom(16).hex() if display_id is True else display_id or None
        for value in values:
            self._one(value, raw=raw, name=name, update=update, metadata=metadata)
        return Handle(self, name) if name else None

    def clear(self, wait: bool = False) -> None:
        """Take off what the cell has shown so far; with ``wait``, once there is more to show."""
        message = {"type": "clear", "execution_id": self._cell(), "wait": bool(wait)}
        self._send(message, b"")

    def hook(self, value: object) -> None:
        """For ``sys.displayhook``."""
        if value is not None:
            self.display(value)

    def _one(
        self, value: object, *, raw: bool, name: str | None, update: bool, metadata: Bundle | None
    ) -> None:
        if raw:
            if not isinstance(value, dict):
                raise TypeError("a raw value is a dict by MIME type")
            data, about = _fitted({str(k): v for k, v in value.items()}, {})
        else:
            text, data, about = bundle(value)
            data[PLAIN] = "\n".join(filter(None, (text, str(data.get(PLAIN, "")))))
        if metadata:
            about = _fitted({}, {**about, **metadata})[1]
        message = {
            "type": "display",
            "execution_id": self._cell(),
            "data": data,
            "metadata": about,
            "display_id": name,
            "update": update,
        }
        self._send(message, b"")


class Handle:
    """What was shown under an id."""

    def __init__(self, displays: Displays, display_id: str) -> None:
        self._displays = displays
        self.display_id = display_id

    def display(self, value: object, *, raw: bool = False) -> None:
        """Show another value under the same id."""
        self._displays.display(value, raw=raw, display_id=self.display_id)

    def update(self, value: object, *, raw: bool = False, metadata: Bundle | None = None) -> None:
        """Show ``value`` in the place of what was shown."""
        self._displays.display(
            value, raw=raw, display_id=self.display_id, update=True, metadata=metadata
        )

    def __repr__(self) -> str:
        return f"<display {self.display_id}>"
