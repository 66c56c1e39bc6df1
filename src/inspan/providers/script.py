"""The language of the scripted agent: text in, a checked script out; it plays nothing.

A script is an object with ``steps`` (and a ``name`` if you like) in JSON or YAML. A step is an
object with one key, which says what to do; where a step has one main value, that value alone
will do: ``say: hello`` is ``say: {text: hello}``. ``SHAPES`` is the whole language, and
docs/scripted.md explains it. YAML is read with the booleans of version 1.2 only, so that ``yes``,
``no`` and ``on`` are words; aliases are refused, because a few of them can stand for gigabytes.

Standard library only, and PyYAML just where a script is no JSON: the player imports this module
and has to start fast.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple, TypeAlias

from inspan.errors import BadInput
from inspan.providers import steps as do
from inspan.providers.steps import Script, Step
from inspan.terminal.announce import KINDS, OPTIONS_MOST, Waiting, encode

#: In bytes; a larger one would hold up whoever checks it (YAML is read at some 100 kB/s).
LARGEST: Final = 1 << 16
STEPS_MOST: Final = 10_000
#: How deep ``ask`` and ``when`` may lie in each other.
DEEPEST: Final = 16
QUESTION_MOST: Final = 500
LONGEST: Final = 86_400.0
FLOOD_MOST: Final = 1 << 34


# ── rules: what a value may be; each takes the value and where it is ──────────


_Rule: TypeAlias = Callable[[Any, str], Any]


def _wrong(where: str, what: str, hint: str | None = None) -> BadInput:
    return BadInput(f"{where or 'the script'}: {what}", hint=hint)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _words(names: Any) -> str:
    return ", ".join(sorted(names))


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise _wrong(where, f"a text is needed here, not {_shown(value)}")
    return value


def _plain(value: Any, where: str) -> str:
    """A text on one line, since it goes into a terminal sequence."""
    text = _text(str(value) if type(value) in (int, float) else value, where)
    if not text.isprintable():
        raise _wrong(where, "line breaks and control characters are not allowed here")
    return text


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(where, f"true or false is needed here, not {_shown(value)}")
    return value


def _number(least: float, most: float) -> _Rule:
    def rule(value: Any, where: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(where, f"a number is needed here, not {_shown(value)}")
        if not least <= value <= most:  # False for NaN too
            raise _wrong(where, f"{_shown(value)} is not from {least:g} to {most:g}")
        return float(value)

    return rule


def _whole(least: int, most: int) -> _Rule:
    bounds = _number(least, most)

    def rule(value: Any, where: str) -> int:
        if not isinstance(value, int):
            raise _wrong(where, f"a whole number is needed here, not {_shown(value)}")
        bounds(value, where)
        return value

    return rule


def _choice(*allowed: str) -> _Rule:
    def rule(value: Any, where: str) -> str:
        if value not in allowed:
            raise _wrong(where, f"{_shown(value)} is not one of: {', '.join(allowed)}")
        return str(value)

    return rule


def _path(value: Any, where: str) -> str:
    text = _text(value, where)
    path = PurePosixPath(text)
    if not text or "\0" in text or path.is_absolute() or ".." in path.parts:
        raise _wrong(where, "a path inside the working folder is needed here")
    return text


def _short(value: Any, where: str) -> str:
    """A text that is announced: a question or an option."""
    text = _plain(value, where)
    if not text.strip() or len(text) > QUESTION_MOST:
        raise _wrong(where, f"1 to {QUESTION_MOST} characters are needed here")
    return text


def _options(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _wrong(where, f"a list is needed here, not {_shown(value)}")
    if len(value) > OPTIONS_MOST:
        raise _wrong(where, f"{len(value)} options are too many; {OPTIONS_MOST} are the most")
    return tuple(_short(item, f"{where}[{number}]") for number, item in enumerate(value))


def _signal(value: Any, where: str) -> int:
    names = {item.name: int(item) for item in signal.Signals}
    if isinstance(value, str):
        upper = value.upper()
        number = names.get(upper, names.get(f"SIG{upper}"))
    else:
        number = value if type(value) is int and value in names.values() else None
    if number is None:
        raise _wrong(where, f"there is no signal {_shown(value)}")
    return number


def _steps(value: Any, where: str) -> tuple[Step, ...]:
    if not isinstance(value, list):
        raise _wrong(where, f"a list of steps is needed here, not {_shown(value)}")
    # Each level adds one index to the path, and every branch adds at least one level.
    if where.count("[") >= DEEPEST:
        raise _wrong(where, f"steps lie more than {DEEPEST} levels deep")
    if len(value) > STEPS_MOST:
        raise _wrong(where, f"{len(value)} steps are too many; {STEPS_MOST} are the most")
    return tuple(_step(item, f"{where}[{number}]") for number, item in enumerate(value))


def _branches(value: Any, where: str) -> dict[str, tuple[Step, ...]]:
    if not isinstance(value, dict):
        raise _wrong(where, f"an object of answers and their steps is needed, not {_shown(value)}")
    return {
        _plain(key, where).strip().casefold(): _steps(steps, f"{where}.{key}")
        for key, steps in value.items()
    }


# ── shapes: the steps and their keys ─────────────────────────────────────────


class Key(NamedTuple):
    """A key of a step. Without a default it must be there."""

    rule: _Rule
    default: Any = ...


class Shape(NamedTuple):
    """What a step is made of; ``main`` is the key that a bare value stands for."""

    build: Callable[..., Step]
    main: str
    keys: dict[str, Key]


_SECONDS: Final = _number(0, LONGEST)

SHAPES: Final[dict[str, Shape]] = {
    "say": Shape(
        do.Say,
        "text",
        {"text": Key(_text), "delay": Key(_number(0, 10), 0.0), "newline": Key(_flag, True)},
    ),
    "stream": Shape(
        do.Stream,
        "lines",
        {
            "lines": Key(_whole(0, 10_000_000)),
            "every": Key(_SECONDS, 0.1),
            "text": Key(_text, "line {n}"),
        },
    ),
    "ask": Shape(
        do.Ask,
        "question",
        {
            "question": Key(_short),
            "options": Key(_options, ()),
            "kind": Key(_choice(*KINDS), "question"),
            "on": Key(_branches, {}),
            "otherwise": Key(_steps, ()),
        },
    ),
    "write": Shape(
        do.Write,
        "path",
        {"path": Key(_path), "content": Key(_text, ""), "append": Key(_flag, False)},
    ),
    "wait": Shape(do.Wait, "seconds", {"seconds": Key(_SECONDS)}),
    "until": Shape(do.Until, "exists", {"exists": Key(_path), "at_most": Key(_SECONDS, 60.0)}),
    "when": Shape(
        do.When,
        "exists",
        {"exists": Key(_path), "then": Key(_steps, ()), "otherwise": Key(_steps, ())},
    ),
    "fail": Shape(do.Fail, "message", {"message": Key(_text), "code": Key(_whole(1, 255), 1)}),
    "exit": Shape(do.Exit, "code", {"code": Key(_whole(0, 255), 0)}),
    "hang": Shape(
        do.Hang,
        "seconds",
        {
            "seconds": Key(_SECONDS, LONGEST),
            "stubborn": Key(_flag, False),
            "text": Key(_text, ""),
        },
    ),
    "spawn": Shape(
        do.Spawn,
        "how",
        {
            "how": Key(_choice("setsid", "double-fork", "nohup")),
            "pidfile": Key(_path, ""),
            "seconds": Key(_SECONDS, 600.0),
            "stubborn": Key(_flag, True),
            "bare": Key(_flag, False),
            "hold": Key(_flag, False),
        },
    ),
    "flood": Shape(do.Flood, "bytes", {"bytes": Key(_whole(0, FLOOD_MOST))}),
    "spin": Shape(do.Spin, "seconds", {"seconds": Key(_SECONDS)}),
    "title": Shape(do.Title, "text", {"text": Key(_plain)}),
    "crash": Shape(do.Crash, "signal", {"signal": Key(_signal, int(signal.SIGSEGV))}),
}


def _step(value: Any, where: str) -> Step:
    if not isinstance(value, dict) or len(value) != 1:
        raise _wrong(where, "a step is an object with one key", f"Keys: {_words(SHAPES)}.")
    ((name, inside),) = value.items()
    shape = SHAPES.get(name) if isinstance(name, str) else None
    if shape is None:
        raise _unknown(where, name, SHAPES, "step")
    where = f"{where}.{name}"
    given = inside if isinstance(inside, dict) else {shape.main: inside}
    for key in given:
        if key not in shape.keys:
            raise _unknown(where, key, shape.keys, "key")
    keys = {key: _value(given, key, rule, where) for key, rule in shape.keys.items()}
    step = shape.build(**keys)
    if isinstance(step, do.Ask):
        _check_announcement(step, where)
    return step


def _check_announcement(step: do.Ask, where: str) -> None:
    try:
        encode(Waiting(step.kind, step.question, step.options))
    except BadInput as error:
        raise _wrong(where, "the question and its options are too long") from error


def _value(given: dict[Any, Any], key: str, rule: Key, where: str) -> Any:
    if key in given:
        return rule.rule(given[key], f"{where}.{key}")
    if rule.default is ...:
        raise _wrong(where, f"the key `{key}` is missing")
    return rule.default


def _unknown(where: str, name: Any, allowed: Any, noun: str) -> BadInput:
    near = get_close_matches(str(name), allowed, 1)
    guess = f" Did you mean `{near[0]}`?" if near else ""
    path = f"{where}.{name}" if where else str(name)
    return _wrong(path, f"there is no such {noun}", f"Allowed here: {_words(allowed)}.{guess}")


# ── reading ──────────────────────────────────────────────────────────────────


def parse(text: str) -> Script:
    """The script that ``text`` holds. Raises BadInput with the path of what is wrong."""
    if len(text.encode()) > LARGEST:
        raise BadInput(f"the script is larger than {LARGEST} bytes")
    try:
        plain = json.loads(text) if text.lstrip()[:1] in ("{", "[") else _yaml(text)
    except ValueError as error:
        # YAML's flow style begins like JSON; what is neither is reported as JSON.
        plain = _flow(text, error)
    except RecursionError as error:
        raise BadInput("the script is nested too deeply") from error
    if not isinstance(plain, dict):
        raise _wrong("", "an object with `steps` is needed")
    for key in plain:
        if key not in ("name", "steps"):
            raise _unknown("", key, ("name", "steps"), "key")
    if "steps" not in plain:
        raise _wrong("", "the key `steps` is missing")
    return Script(_steps(plain["steps"], "steps"), _plain(plain.get("name", ""), "name"))


def load(path: Path) -> Script:
    """The script in a file. Raises BadInput."""
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(f"{path.name} is larger than {LARGEST} bytes")
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadInput(f"the script {str(path)!r} cannot be read: {why}") from error
    return parse(text)


def _flow(text: str, error: ValueError) -> Any:
    try:
        return _yaml(text)
    except BadInput:
        raise BadInput(f"the script is not valid JSON: {error}") from error


def _yaml(text: str) -> Any:
    from inspan.providers.scriptyaml import read  # noqa: PLC0415 - PyYAML only where it is needed

    return read(text)
