"""Errors in words: name, message and the lines of the traceback, bounded, without our own frames.

Nothing that an exception's class does here can make it fail. It never knows how a cell runs.
"""

from __future__ import annotations

import os
import traceback
import types
from collections.abc import Iterator
from typing import Final

from .reprs import fitting, name_of, sane
from .sources import Sources

#: Bounds of what is told of one error. Frames: so many that Python's own limit of recursion fits;
#: a line in bytes of JSON, the message in characters.
MOST_FRAMES: Final = 1100
MOST_CHAIN: Final = 20
MOST_MEMBERS: Final = 500
MOST_LINES: Final = 1000
MOST_LINE: Final = 4000
MOST_MESSAGE: Final = 1 << 16

_SOURCES: Final = Sources()
remember = _SOURCES.remember
watch = _SOURCES.watch
forget = _SOURCES.forget
execution_of = _SOURCES.execution_of


def prepare() -> None:
    """Have what Python tells errors with: to load it takes ten times as long as to tell one."""
    import ast  # noqa: F401, PLC0415 - what underlines a part of a line asks for it
    import tokenize  # noqa: F401, PLC0415 - what reads a file's lines asks for it
    import traceback  # noqa: PLC0415 - a stand-in is here; see ``lean``

    # What they in turn load and compile for the first one is there then, too.
    try:
        next(iter(()))
    except StopIteration as error:
        traceback.format_exception(error)


def describe(error: BaseException) -> tuple[str, str, list[str]]:
    """The name of an error's class, its message, and the lines of its traceback.

    Never raises. Keeps nothing of the error, so the locals of its frames are not held.
    """
    name, message = name_of(type(error)), _message(error)
    try:
        _SOURCES.republish()
        lines = _told(error)
    except BaseException:  # noqa: BLE001  # the user's class may raise anything
        lines = _plainly(error)
    return name, message, _bounded(lines)


def _told(error: BaseException) -> list[str]:
    chain = list(_chain(error))
    if len(chain) > MOST_CHAIN or _members(chain) > MOST_MEMBERS:
        # Python's own way would go through all of them, frame by frame.
        half = MOST_CHAIN // 2
        shown = chain if len(chain) <= MOST_CHAIN else [*chain[:half], *chain[-half:]]
        left = len(chain) - len(shown)
        lines = [line for one in reversed(shown) for line in [*_plainly(one), ""]]
        note = [f"({left:,} exceptions in between are left out)"] if left else []
        return [*note, *lines[:-1]]
    middle, cut = _without_middle(error.__traceback__)
    whole = traceback.TracebackException(
        type(error), error, middle, limit=MOST_FRAMES, compact=True
    )
    _without_ours(whole)
    lines = "".join(whole.format()).splitlines()
    return [f"({cut:,} frames in the middle are left out)", *lines] if cut else lines


def _plainly(error: BaseException) -> list[str]:
    """An error alone: its frames, its class and message, how many it holds."""
    lines: list[str] = []
    try:
        middle, _ = _without_middle(error.__traceback__, 40)
        stack = traceback.extract_tb(middle)
        if stack:
            shown = traceback.StackSummary.from_list(stack).format()
            lines = ["Traceback (most recent call last):", *"".join(shown).splitlines()]
    except BaseException:  # noqa: BLE001  # what can be told is told
        lines = ["(the traceback cannot be shown)"]
    message = _message(error)
    lines += (
        f"{name_of(type(error))}: {message}".splitlines() if message else [name_of(type(error))]
    )
    if isinstance(error, BaseExceptionGroup):
        lines.append(f"(it holds {len(_held(error)):,} exceptions)")
    return lines


def _message(error: BaseException) -> str:
    try:
        text = str.__str__(str(error))
    except BaseException as other:  # noqa: BLE001  # the user's class may raise anything
        return f"<its message cannot be shown: str() raised {name_of(type(other))}>"
    if len(text) > MOST_MESSAGE:
        text = f"{text[:MOST_MESSAGE]}… (cut: {MOST_MESSAGE:,} of {len(text):,} characters)"
    return sane(text)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came from, newest first, as Python tells them."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        if one.__cause__ is not None:
            one = one.__cause__
        else:
            one = None if one.__suppress_context__ else one.__context__


def _members(chain: list[BaseException]) -> int:
    """How many exceptions there are in all, those of groups too; counted no further than needed."""
    waiting, seen = list(chain), 0
    known = {id(one) for one in chain}
    while waiting and seen <= MOST_MEMBERS:
        one = waiting.pop()
        seen += 1
        more = [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            more += _held(one)[: MOST_MEMBERS + 1]
        for other in more:
            if other is not None and id(other) not in known:
                known.add(id(other))
                waiting.append(other)
    return seen


def _held(group: BaseExceptionGroup[BaseException]) -> tuple[BaseException, ...]:
    return tuple(group.exceptions)


def _without_middle(
    first: types.TracebackType | None, most: int = MOST_FRAMES
) -> tuple[types.TracebackType | None, int]:
    """The frames with the middle left out where they are too many, and how many those are.

    Without ours, too: of each, Python would read the file.
    """
    frames: list[types.TracebackType] = []
    one = first
    while one is not None:
        if not _ours(one.tb_frame.f_code.co_filename):
            frames.append(one)
        one = one.tb_next
    cut = len(frames) - most
    if cut > 0:
        frames = [*frames[: most // 2], *frames[-(most - most // 2) :]]
    made: types.TracebackType | None = None
    for one in reversed(frames):
        made = types.TracebackType(made, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return made, max(0, cut)


def _without_ours(whole: traceback.TracebackException) -> None:
    """Leave out our own frames, of this error and of all that belong to it."""
    waiting: list[traceback.TracebackException | None] = [whole]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.stack[:] = [frame for frame in one.stack if not _ours(frame.filename)]
        waiting += [one.__cause__, one.__context__, *(one.exceptions or ())]


_HERE: Final = describe.__code__.co_filename.rpartition(os.sep)[0] + os.sep


def _ours(filename: str) -> bool:
    return filename.startswith(_HERE)


def _bounded(lines: list[str]) -> list[str]:
    cut = len(lines) - MOST_LINES
    if cut > 0:
        half = MOST_LINES // 2
        lines = [*lines[:half], f"(… {cut:,} lines are left out …)", *lines[-half:]]
    return [_short(line) for line in lines]


def _short(line: str) -> str:
    whole = sane(line)
    short = fitting(whole, MOST_LINE)
    return whole if short == whole else f"{short}…"
