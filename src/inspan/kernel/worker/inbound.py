"""What a host may say, checked by hand: the worker imports no third party.

``protocol`` is the schema; a test holds these shapes to it.
"""

from __future__ import annotations

from typing import Any, Final

from ..frames import FrameError, Message  # noqa: TID252 - the package has a private name here

_NONE: Final = type(None)
_MODES: Final = frozenset(
    {"auto", "top_level_await", "async_def", "blocking_sync", "simple_sync", "unknown"}
)
#: Characters of an ``execution_id``.
_ID_MOST: Final = 200

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
    },
    "answer": {"value": ((object,), None), "error": ((str,), ""), "code": ((str,), "")},
    "inspect": {"detail": ((int,), 0)},
}


def check(message: Message) -> Message:
    """The same message with its defaults filled in. Raises FrameError, which names the field."""
    kind = message.get("type")
    if not isinstance(kind, str) or kind not in _NEEDED:
        raise FrameError(f"a message of no known type: {kind!r:.100}")
    needed, optional = _NEEDED[kind], _OPTIONAL.get(kind, {})
    for name, kinds in needed.items():
        if name not in message:
            raise FrameError(f"{kind} lacks {name}")
        _typed(kind, name, message[name], kinds)
    for name, (kinds, default) in optional.items():
        _typed(kind, name, message.setdefault(name, default), kinds)
    for name in message:
        if name not in needed and name not in optional and name != "type":
            raise FrameError(f"{kind} has no field {name!r:.100}")
    _bounds(kind, message)
    return message


def _typed(kind: str, name: str, value: object, kinds: tuple[type, ...]) -> None:
    # By type() and not isinstance: True is no number here.
    if type(value) not in kinds and kinds != (object,):
        raise FrameError(f"{kind}.{name} is a {type(value).__name__}")


def _bounds(kind: str, message: Message) -> None:
    if kind == "execute":
        if not 1 <= len(message["execution_id"]) <= _ID_MOST:
            raise FrameError("execute.execution_id is empty or too long")
        if message["mode"] not in _MODES:
            raise FrameError(f"execute.mode is unknown: {message['mode']!r:.100}")
    for name in ("cursor", "seq", "ack"):
        if message.get(name, 0) < 0:
            raise FrameError(f"{kind}.{name} is negative")
