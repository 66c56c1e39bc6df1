"""Our values as plain JSON material and back, by their own annotations.

``dump`` leaves out what is at its default, so that a stored value stays small and a field added
later reads back from an older one. ``load`` trusts its input: it reads what ``dump`` wrote. What
comes from a stranger is validated by pydantic at the door, from the same classes.
"""

from __future__ import annotations

import json.encoder
import sys
from collections.abc import Callable
from enum import Enum
from functools import cache
from json.encoder import JSONEncoder, encode_basestring_ascii
from operator import attrgetter
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
)

from inspan.model.value import MISSING, fields_of

if TYPE_CHECKING:
    from inspan.model.code import CodeEvent
    from inspan.model.event import Event, Fact
    from inspan.model.value import Field

T = TypeVar("T")
_Load = Callable[[Any], Any]
_Tell = Callable[[Any], dict[str, Any]]

#: Where a union of our classes is written, this key says which one it is.
KIND = "kind"

#: What JSON has as it is; asking before a call is made is a third of the cost of storing a task.
_ATOMS: Final = frozenset({str, int, float, bool, NoneType})
#: So many values of a class are told before a function is written that tells them in a third of the
#: time: writing it takes as long as a hundred of them, and a command tells fewer.
_BY_HAND: Final = 20
#: How fields of these are annotated.
_AS_IT_IS: Final = frozenset(
    f"{kind.__name__}{or_not}" for kind in (str, int, float, bool) for or_not in ("", " | None")
)


def dump(value: Any) -> Any:
    """``value`` as str, int, float, bool, None, list and dict."""
    kind: Any = type(value)
    if kind in _ATOMS:
        return value
    if kind is tuple or kind is list:
        return [item if type(item) in _ATOMS else dump(item) for item in value]
    if kind is dict:
        return {key: item if type(item) in _ATOMS else dump(item) for key, item in value.items()}
    if issubclass(kind, Enum):
        return value.value
    return {
        name: item if type(item) in _ATOMS else dump(item) for name, item in shallow(value).items()
    }


def shallow(value: Any) -> dict[str, Any]:
    """One level of ``dump``, for a JSON encoder that comes back for what it does not know.

    Takes our own values only; raises TypeError on anything else.
    """
    kind = type(value)
    tell = _TELLERS.get(kind)
    if tell is None:
        tell = _TELLERS[kind] = _first_teller(kind)
    return tell(value)


@cache
def shallow_without(kind: Any, fields: tuple[str, ...]) -> Callable[[Any], dict[str, Any]]:
    """``shallow`` for the values of a class, of which some fields are kept elsewhere."""
    words, defaults, _ = _shape(kind)
    return _teller(words, tuple(pair for pair in defaults if pair[0] not in fields))


def text(value: Any) -> str:
    """``value`` as JSON, as an encoder writes ``dump`` of it; thousands are told a second."""
    kind: Any = type(value)
    write = _WRITERS.get(kind)
    if write is not None:
        return write(value)
    if fields_of(kind) is None:
        if not (issubclass(kind, str) and issubclass(kind, Enum)):
            return _encode(value)
        _WRITERS[kind] = encode_basestring_ascii
        return encode_basestring_ascii(value)
    write = _WRITERS[kind] = _first_writer(kind)
    return write(value)


@cache
def expect(kind: Any) -> None:
    """Values of this class are about to be told by the thousand, and somebody waits for each.

    What is written out for that is written now.
    """
    words, defaults, _ = _shape(kind)
    _WRITERS[kind] = _writer(_beginning(words), defaults)


def _number(value: float) -> str:
    # JSON has no word for the others, and Python's encoder one of its own.
    return repr(value) if value - value == 0 else _encode(value)


#: One level of the values of each class.
_TELLERS: Final[dict[type, _Tell]] = {}
_WRITERS: Final[dict[type, Callable[[Any], str]]] = {
    str: encode_basestring_ascii,
    int: repr,
    float: _number,
}


def encoder(make: Any, *, allow_nan: bool) -> Callable[[Any], str]:
    """Encodes our values as ``JSONEncoder`` would, through what it makes for each call: ``make``.

    Making it costs as much as encoding one of our small values. Where ``make`` is not what it was
    when this was written, the documented way is taken.
    """
    documented = JSONEncoder(
        separators=(",", ":"), check_circular=False, allow_nan=allow_nan, default=shallow
    )
    try:
        made = make(None, shallow, encode_basestring_ascii, None, ":", ",", False, False, allow_nan)
    except TypeError:
        return documented.encode
    return lambda plain: "".join(made(plain, 0))


#: What ``encoder`` takes, where Python has it.
MADE_BY: Final = getattr(json.encoder, "c_make_encoder", None)
_encode: Final = encoder(MADE_BY, allow_nan=True)


def load(kind: type[T], plain: Any) -> T:
    """A ``kind`` from what ``dump`` made of it. Raises KeyError or TypeError on anything else.

    Within it a value of ours may stand in the place of what was made of one.
    """
    loaded: T = _loader(cast("Any", kind))(plain)
    return loaded


def load_fact(plain: dict[str, Any]) -> Fact:
    """The fact that ``plain`` holds."""
    from inspan.model.event import FACTS  # noqa: PLC0415  a fifth of a light client's import

    return load(FACTS[plain[KIND]], plain)


def load_event(plain: dict[str, Any]) -> Event:
    """The event that ``plain`` holds."""
    from inspan.model.event import Event  # noqa: PLC0415  see above

    return Event(
        plain["seq"], plain["at"], plain["task"], plain["correlation"], load_fact(plain["fact"])
    )


def load_code_event(plain: dict[str, Any]) -> CodeEvent:
    """The event of a code session that ``plain`` holds."""
    from inspan.model.code import CODE_FACTS, CodeEvent  # noqa: PLC0415  see above

    fact = plain["fact"]
    told = load(CODE_FACTS[fact[KIND]], fact)
    return CodeEvent(plain["seq"], plain["at"], plain["session"], told)


@cache
def _shape(
    kind: Any,
) -> tuple[dict[str, Any], tuple[tuple[str, Any], ...], Callable[[Any], Any]]:
    """What all values of a class say, its fields' defaults, of which none is equal to nothing, and
    what gets all of its fields.
    """
    fields = fields_of(kind)
    if fields is None:
        raise TypeError(f"{kind.__qualname__} is no class of values")
    # Only a fact has its kind as a word of the class; elsewhere it is a field.
    word = getattr(kind, KIND, None)
    defaults = tuple((field.name, field.absent()) for field in fields)
    names = [name for name, _ in defaults]
    # Of one name alone it gives no tuple.
    get = attrgetter(*names) if len(names) > 1 else _one_by_one(names)
    return ({KIND: word} if isinstance(word, str) else {}), defaults, get


def _first_teller(kind: Any) -> _Tell:
    """For the first values of a class; then it puts what is written out in its own place."""
    words, defaults, get = _shape(kind)
    left = _BY_HAND

    def tell(value: Any) -> dict[str, Any]:
        nonlocal left
        left -= 1
        if left < 0:
            _TELLERS[kind] = _teller(words, defaults)
        plain = words.copy()
        for (name, default), item in zip(defaults, get(value), strict=True):
            if item is not default and item != default:
                plain[name] = item
        return plain

    return tell


def _teller(words: dict[str, Any], defaults: tuple[tuple[str, Any], ...]) -> _Tell:
    names: dict[str, Any] = {f"_{name}": default for name, default in defaults}
    lines = []
    for name, default in defaults:
        keep = f"plain[{name!r}] = item"
        if default is not MISSING:
            keep = f"if item is not _{name} and item != _{name}: {keep}"
        lines.append(f" item = value.{name}\n {keep}\n")
    exec(f"def tell(value):\n plain = {words!r}\n{''.join(lines)} return plain", names)  # noqa: S102 - of names in our own classes
    tell: _Tell = names["tell"]
    return tell


def _first_writer(kind: Any) -> Callable[[Any], str]:
    """As ``_first_teller``, of what writes the values of a class as JSON."""
    words, defaults, get = _shape(kind)
    begin = _beginning(words)
    names = tuple((f"{text(name)}:", default) for name, default in defaults)
    left = _BY_HAND

    def write(value: Any) -> str:
        nonlocal left
        left -= 1
        if left < 0:
            _WRITERS[kind] = _writer(begin, defaults)
        parts = begin.copy()
        for (key, default), item in zip(names, get(value), strict=True):
            if item is not default and item != default:
                known = _WRITERS.get(type(item))
                parts.append(key + (text(item) if known is None else known(item)))
        return "{" + ",".join(parts) + "}"

    return write


def _beginning(words: dict[str, Any]) -> list[str]:
    return [f"{text(name)}:{text(word)}" for name, word in words.items()]


def _writer(begin: list[str], defaults: tuple[tuple[str, Any], ...]) -> Callable[[Any], str]:
    names: dict[str, Any] = {f"_{name}": default for name, default in defaults}
    names |= {"writers": _WRITERS, "text": text}
    lines = []
    for name, default in defaults:
        lines.append(f" item = value.{name}\n")
        if default is not MISSING:
            lines.append(f" if item is not _{name} and item != _{name}:\n ")
        key = f"{text(name)}:"
        lines.append(f" parts.append({key!r} + writers.get(type(item), text)(item))\n")
    end = " return '{' + ','.join(parts) + '}'"
    exec(f"def write(value):\n parts = {begin!r}\n{''.join(lines)}{end}", names)  # noqa: S102 - as above
    write: Callable[[Any], str] = names["write"]
    return write


def _one_by_one(names: list[str]) -> Callable[[Any], Any]:
    return lambda value: [getattr(value, name) for name in names]


@cache
def _loader(kind: Any) -> _Load:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _optional(kind)
    if origin is tuple:
        return _many(_loader(get_args(kind)[0]))
    if origin is dict:
        inside = _loader(get_args(kind)[1])
        return lambda plain: {key: inside(item) for key, item in plain.items()}
    if isinstance(kind, type) and (fields := fields_of(kind)) is not None:
        return _built(kind, fields)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    return _same


def _same(plain: Any) -> Any:
    return plain


def _optional(kind: Any) -> _Load:
    members = [member for member in get_args(kind) if member is not NoneType]
    inside = _loader(members[0])
    return lambda plain: None if plain is None else inside(plain)


def _many(inside: _Load) -> _Load:
    return lambda plain: tuple(inside(item) for item in plain)


def _built(kind: Any, fields: tuple[Field, ...]) -> _Load:
    names = frozenset(field.name for field in fields)
    # A field's annotation is read with the first value that has it: those of a task take 5 ms
    # together, which every command would spend, and most fields are left out.
    # In one piece, which is never changed: several threads read, and any may come first.
    read: tuple[frozenset[str], tuple[tuple[str, _Load], ...]] = (frozenset(), ())

    def build(plain: dict[str, Any]) -> Any:
        nonlocal read
        if type(plain) is kind:
            return plain
        known, deep = read
        if known.issuperset(plain):
            given = plain.copy()
        else:
            given = {name: item for name, item in plain.items() if name in names}
            new = ((name, _inside(kind, name)) for name in given.keys() - known)
            deep += tuple((name, inside) for name, inside in new if inside is not _same)
            read = known | given.keys(), deep
        # Most fields are what JSON has, and short values are read thousands of times a second.
        for name, inside in deep:
            if name in given:
                given[name] = inside(given[name])
        return kind(**given)

    return build


def _inside(kind: type, name: str) -> _Load:
    """How a field is read."""
    written: str = kind.__annotations__[name]
    if written in _AS_IT_IS:
        return _same
    return _loader(eval(written, vars(sys.modules[kind.__module__])))  # noqa: S307 - an annotation of our own
