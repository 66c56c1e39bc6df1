"""What a host may say, checked by hand: the worker imports no third party.

``protocol`` is the schema; a test holds these shapes to it.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ..frames import FrameError, Message  # noqa: TID252 - the package has a private name here

_NONE: Final = type(None)
_MODES: Final = frozenset(
    {"auto", "top_level_await", "async_def", "blocking_sync", "simple_sync", "unknown"}
)
#: Characters of an ``execution_id``, and of the name of a file.
_ID_MOST: Final = 200
_FILE_MOST: Final = 4096

#: type → field → the types that it may have.
_NEEDED: Final[dict[str, dict[str, tuple[type, ...]]]] = {
    "hello": {"version": (int,), "session": (str,), "token": (str,)},
    "execute": {"execution_id": (str,), "code": (str,)},
    "input_response": {"request": (str,), "value": (str, _NONE)},
    "cancel": {"execution_id": (str,)},
    "checkpoint": {"request": (str,), "path": (str,), "key": (str,)},
    "restore": {"request": (str,), "path": (str,), "key": (str,)},
    "answer": {"promise": (str,), "ok": (bool,)},
    "complete": {"request": (str,), "code": (str,), "cursor": (int,)},
    "inspect": {"request": (str,), "code": (str,), "cursor": (int,)},
    "ack": {"seq": (int,)},
    "shutdown": {},
}
#: type → field → its types and its default.
_OPTIONAL: Final[dict[str, dict[str, tuple[tuple[type, ...], Any]]]] = {
    "hello": {"last_seq": ((int,), 0), "board": ((bool,), False)},
    "execute": {
        "mode": ((str,), "auto"),
        "threaded": ((bool,), False),
        "silent": ((bool,), False),
        "store": ((bool,), True),
        "ack": ((int,), 0),
        "allow_stdin": ((bool,), True),
        "file": ((str, _NONE), None),
    },
    "answer": {"value": ((object,), None), "error": ((str,), ""), "code": ((str,), "")},
    "inspect": {"detail": ((int,), 0)},
}


class _Shape(NamedTuple):
    """What one kind of message may have."""

    kinds: dict[str, tuple[type, ...]]
    needed: tuple[str, ...]
    defaults: Message


def _shape(kind: str) -> _Shape:
    needed, optional = _NEEDED[kind], _OPTIONAL.get(kind, {})
    kinds = {"type": (str,), **needed, **{name: kinds for name, (kinds, _) in optional.items()}}
    return _Shape(kinds, tuple(needed), {name: default for name, (_, default) in optional.items()})


_SHAPES: Final = {kind: _shape(kind) for kind in _NEEDED}


def check(message: Message) -> Message:
    """The same with its defaults. Raises FrameError, which names the field."""
    kind = message.get("type")
    shape = _SHAPES.get(kind) if isinstance(kind, str) else None
    if shape is None:
        raise FrameError(f"a message of no known type: {kind!r:.100}")
    for name in shape.needed:
        if name not in message:
            raise FrameError(f"{kind} lacks {name}")
    for name, value in message.items():
        kinds = shape.kinds.get(name)
        if kinds is None:
            raise FrameError(f"{kind} has no field {name!r:.100}")
        # By type() and not isinstance: True is no number here.
        if type(value) not in kinds and kinds != (object,):
            raise FrameError(f"{kind}.{name} is a {type(value).__name__}")
    message = {**shape.defaults, **message}
    _bounds(str(kind), message)
    return message


def _bounds(kind: str, message: Message) -> None:
    if kind == "execute":
        if not 1 <= len(message["execution_id"]) <= _ID_MOST:
            raise FrameError("execute.execution_id is empty or too long")
        if message["mode"] not in _MODES:
            raise FrameError(f"execute.mode is unknown: {message['mode']!r:.100}")
        if message["file"] is not None and not 1 <= len(message["file"]) <= _FILE_MOST:
            raise FrameError("execute.file is empty or too long")
    for name in ("cursor", "seq", "ack"):
        if message.get(name, 0) < 0:
            raise FrameError(f"{kind}.{name} is negative")
