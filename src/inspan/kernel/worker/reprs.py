"""Reprs that are bounded and never fail; whoever shows a value shows it by these.

Built-in containers are walked, so that the repr of a large one is never made in whole. A repr that
raises is reported in words in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

#: The longest repr, in characters and in bytes of JSON, and the deepest container that is walked.
MOST: Final = 1 << 20
MOST_JSON: Final = 2 << 20
DEEPEST: Final = 100


def text_of(value: object, most: int = MOST) -> str:
    """The repr of ``value``, cut to ``most`` characters, with a note where it was cut."""
    walk = _Walk(most)
    cut = False
    try:
        walk.show(value, 0)
    except _FullError:
        cut = True
    text = sane("".join(walk.parts)[:most])
    fit = fitting(text, MOST_JSON)
    if cut or len(fit) < len(text):
        return f"{fit}… (cut after {len(fit):,} characters)"
    return text


def sane(text: str) -> str:
    """``text`` as UTF-8 can say it: lone surrogates become backslashes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def fitting(text: str, most: int) -> str:
    """As much of ``text`` as ``most`` bytes of JSON hold."""
    if len(text) * 12 > most:  # a character is twelve bytes of JSON at most
        import json  # noqa: PLC0415  # few values are that long

        while (size := len(json.dumps(text))) > most:
            text = text[: min(len(text) - 1, len(text) * most // size)]
    return text


def in_words(value: object, error: BaseException) -> str:
    """What stands in the place of a repr that raised ``error``."""
    return f"<{name_of(type(value))} object whose repr raised {said(error)}>"


def said(error: BaseException) -> str:
    """The class and the message of an error, whatever its ``__str__`` does."""
    name = name_of(type(error))
    try:
        text = str.__str__(str(error))[:1000]
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  # the user's code may raise anything
        return f"{name}, whose message cannot be shown"
    return f"{name}: {sane(text)}" if text else name


def name_of(kind: type) -> str:
    """The name of a class, whatever its metaclass says."""
    own: Any = vars(type)["__qualname__"]
    return str(own.__get__(kind))


class _FullError(Exception):
    """The text is as long as it may be."""


class _Walk:
    """Writes a repr into ``parts`` until there is no room."""

    def __init__(self, room: int) -> None:
        self.parts: list[str] = []
        self._room = room
        self._open: set[int] = set()

    def show(self, value: object, depth: int) -> None:
        if type(value) in _SHORT:
            self._add(repr(value))
            return
        walk = _WALKS.get(type(value).__repr__)
        if walk is None:
            self._add(_plain(value, self._room))
        elif id(value) in self._open:
            self._add(walk[2])
        elif depth >= DEEPEST:
            self._add(f"<{name_of(type(value))}, nested too deep to show>")
        else:
            self._open.add(id(value))
            self._container(value, walk, depth)
            self._open.discard(id(value))

    def _container(self, value: Any, walk: tuple[str, str, str], depth: int) -> None:
        opening, closing, _ = walk
        kind = type(value)
        if issubclass(kind, set | frozenset):
            if kind is not set:
                opening, closing = f"{kind.__name__}({{", "})"
            if not set.__len__(value) if issubclass(kind, set) else not frozenset.__len__(value):
                self._add(f"{kind.__name__}()")
                return
        self._add(opening)
        count = 0
        for count, item in enumerate(_items(value), 1):
            if count > 1:
                self._add(", ")
            if isinstance(item, _Pair):
                self.show(item.key, depth + 1)
                self._add(": ")
                self.show(item.value, depth + 1)
            else:
                self.show(item, depth + 1)
        self._add(",)" if count == 1 and closing == ")" and opening == "(" else closing)

    def _add(self, text: str) -> None:
        self.parts.append(text)
        self._room -= len(text)
        if self._room < 0:
            raise _FullError


class _Pair:
    __slots__ = ("key", "value")

    def __init__(self, key: object, value: object) -> None:
        self.key, self.value = key, value


#: Values whose repr is short and cannot fail.
_SHORT: Final = frozenset({bool, float, complex, type(None), type(...)})

#: By the ``__repr__`` that a class inherits: opening, closing, and what stands for a circle.
_WALKS: Final[dict[object, tuple[str, str, str]]] = {
    list.__repr__: ("[", "]", "[...]"),
    tuple.__repr__: ("(", ")", "(...)"),
    dict.__repr__: ("{", "}", "{...}"),
    set.__repr__: ("{", "}", "set(...)"),
    frozenset.__repr__: ("frozenset({", "})", "frozenset(...)"),
}


def _items(value: Any) -> Iterator[object]:
    """What is in a container, by the built-in way, as its repr sees it."""
    if isinstance(value, dict):
        return _copied(_Pair(k, v) for k, v in dict.items(value))
    for kind in (list, tuple, set, frozenset):
        if isinstance(value, kind):
            return _copied(kind.__iter__(value))
    return iter(())


def _copied(items: Iterable[object]) -> Iterator[object]:
    # A repr of the user's, or another thread, may change the container meanwhile.
    try:
        yield from items
    except RuntimeError:
        yield _Changed()


class _Changed:
    def __repr__(self) -> str:
        return "… (changed while it was shown)"


def _plain(value: object, room: int) -> str:
    kind = type(value)
    if kind in (str, bytes, bytearray) and len(value) > room:  # type: ignore[arg-type]  # they have one
        return _beginning(value, room)  # type: ignore[arg-type]  # it is one of them
    try:
        return str.__str__(repr(value))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # the user's code may raise anything
        if kind is int:
            return f"<int of {value.bit_length():,} bits, too long to show>"  # type: ignore[attr-defined]  # an int
        return in_words(value, error)


def _beginning(value: str | bytes | bytearray, room: int) -> str:
    """More of the repr of ``value`` than there is room for, and never all of a long one."""
    # The quotation marks of a repr depend on those within, wherever they are: they are kept.
    if isinstance(value, str):
        return repr(value[:room] + "".join(mark for mark in "'\"" if mark in value))
    return repr(value[:room] + b"".join(mark for mark in (b"'", b'"') if mark in value))
