"""Identifiers: made by the engine only, sortable by time, safe as a file name.

A task id is a ULID (https://github.com/ulid/spec) in lower case: 10 characters of milliseconds
and 16 of randomness. This module draws no randomness and reads no clock; both are handed in.
"""

from __future__ import annotations

import re
from typing import Final

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = tuple(one + two for one in _ALPHABET for two in _ALPHABET)
TASK_ID: Final = re.compile(r"[0-9a-hjkmnp-tv-z]{26}")
SESSION_ID: Final = re.compile(r"[0-9a-hjkmnp-tv-z]{26}-[0-9]{1,6}(-[cs][0-9]{1,3}|-t[0-9]{1,4})?")
#: The run of a code session that a daemon holds; a session of one program is called otherwise.
CODE_RUN: Final = re.compile(r"py-[0-9a-hjkmnp-tv-z]{26}-[0-9]{1,6}")
#: How many commands the agent of one attempt has us run.
COMMANDS_MOST: Final = 1000
#: Six characters of randomness: one chance in a thousand that two of 1,500 tasks share them.
SHORT: Final = 6


class Ulids:
    """Task ids that sort each after the one before."""

    def __init__(self) -> None:
        self._last = -1

    def next(self, now: float, entropy: bytes) -> str:
        """An id from ``now`` (seconds since the epoch) and ten bytes of randomness.

        It sorts after the one before also within a millisecond and when the clock is set back; then
        it is a random step further, so that the ends of both still differ.
        """
        if len(entropy) != 10:
            raise ValueError("a ULID takes ten bytes of randomness")
        number = (int(now * 1000) << 80) | int.from_bytes(entropy, "big")
        if number <= self._last:
            number = self._last + 1 + int.from_bytes(entropy[:5], "big")
        self._last = number
        return _text(number)


def ulid(now: float, entropy: bytes) -> str:
    """A task id that comes after no other."""
    return Ulids().next(now, entropy)


def _text(number: int) -> str:
    # Two letters at a time: an id is made for every task, and this is half of its cost.
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])


def short(task_id: str) -> str:
    """What a person sees and types: the end of the id, where the randomness is."""
    return task_id[-SHORT:]


def filled(hint: str, name: str) -> str:
    """A hint with the task that it is about in the place of ``ID``, so that it can be typed."""
    return hint.replace(" ID`", f" {name}`").replace(" ID ", f" {name} ")


def session_id(task_id: str, attempt: int) -> str:
    """The session of one attempt; it names the recording and fences the process."""
    return f"{task_id}-{attempt}"


def check_id(session: str, number: int) -> str:
    """The session in which check ``number`` (from 0) of an attempt runs."""
    return f"{session}-c{number}"


def setup_id(session: str, number: int) -> str:
    """The session of command ``number`` (from 0) that an attempt sets its workspace up with."""
    return f"{session}-s{number}"


def command_id(session: str, number: int) -> str:
    """The session of command ``number`` (from 1) that the agent of an attempt has us run."""
    return f"{session}-t{number}"


def attempt_of(session: str) -> int:
    """The attempt that a session, or one of its checks or commands, belongs to."""
    return int(session.split("-")[1])


def task_of(session: str) -> str:
    """The task that a session belongs to."""
    return session[:26]
