"""``timeouts.yaml``: every limit of time in one file, read again when it has changed.

A key that is not known is refused with its line. A file that is broken changes nothing: what was
read before counts, and ``warning`` says so. It writes no file, and measures no time.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from inspan.errors import SettingsInvalid
from inspan.model.patience import Backoff
from inspan.model.timeouts import DEFAULT, LoginRules, Timeouts
from inspan.settings import fields
from inspan.settings.reading import made_of

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    from inspan.settings.lined import Lined

#: section → key → the field that it sets.
_TIMES: Final = {
    "command": {"timeout": "command", "longest": "command_longest", "idle": "command_idle"},
    "session": {"lifetime": "lifetime", "idle": "idle", "warning": "warning", "stretch": "stretch"},
    "stop": {"grace": "grace"},
    "network": {"ping": "ping", "pong": "pong", "reconnect": "reconnect"},
}
_LOGIN: Final = (
    "attempts",
    "timeout",
    "first_delay",
    "longest_delay",
    "believed",
    "failures",
    "rest",
)
#: These may be ``none``; and these may be no time at all.
_LIFTED: Final = frozenset({"command", "command_idle", "lifetime", "idle"})
_NOTHING: Final = frozenset({"warning", "grace"})
#: With the delays of the defaults, 1, 2, 4, 8 and 16 s between them.
_ATTEMPTS_MOST: Final = 6

_Stamp: TypeAlias = tuple[int, int, int] | None


class TimeoutsFile:
    """The file at ``path``, which may be absent: then the defaults count."""

    def __init__(self, path: Path) -> None:
        """Raises SettingsInvalid: at the start there is nothing that counted before."""
        self._path = path
        self._stamp = _stamp(path)
        self._timeouts = load(path)
        self._trouble = ""

    def now(self) -> Timeouts:
        """What counts now; looks whether the file has changed, which takes microseconds."""
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            self._stamp = stamp
            self._read()
        return self._timeouts

    @property
    def warning(self) -> str:
        """What is wrong with the file as it is now; empty where nothing is."""
        self.now()
        return self._trouble

    def _read(self) -> None:
        import logging  # noqa: PLC0415 - the daemon has it, and no command needs it

        log = logging.getLogger(__name__)
        try:
            self._timeouts, self._trouble = load(self._path), ""
        except SettingsInvalid as error:
            self._trouble = f"{error.message}; the timeouts that were read before still count"
            log.warning("%s", self._trouble, extra={"action": "reload"})
        else:
            log.info("%s was read again", self._path, extra={"action": "reload"})


def load(path: str | PathLike[str], state: str | None = None) -> Timeouts:
    """The timeouts in ``path``; the defaults where there is no such file.

    ``state``: as ``made_of`` has it.

    Raises:
        SettingsInvalid: with the line.
    """
    return made_of(path, _build, state) or DEFAULT


def _stamp(path: Path) -> _Stamp:
    """Another one whenever the file is; ``None`` where there is none."""
    try:
        seen = os.stat(path)  # noqa: PTH116 - half the time of Path.stat, at each submission
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino


def _build(document: Lined) -> Timeouts:
    if document.value is None:
        return DEFAULT
    sections = fields.section(document, (), document.value, (*_TIMES, "authentication"))
    changes: dict[str, Any] = {}
    for name, value in sections.items():
        if name == "authentication":
            changes["login"] = _login(document, fields.section(document, (name,), value, _LOGIN))
            continue
        known = _TIMES[name]
        for key, item in fields.section(document, (name,), value, known).items():
            changes[known[key]] = _figure(document, (name, key), known[key], item)
    timeouts = Timeouts(**changes)
    if timeouts.command is not None and timeouts.command > timeouts.command_longest:
        place = document.at("command", "timeout" if "command" in changes else "longest")
        raise SettingsInvalid(f"{place}: command.timeout is longer than command.longest")
    return timeouts


def _figure(document: Lined, path: tuple[str, str], name: str, value: Any) -> float | None:
    if name == "stretch":
        return _factor(document, path, value)
    return _seconds(document, path, value, lifted=name in _LIFTED, nothing=name in _NOTHING)


def _seconds(
    document: Lined,
    path: tuple[str, str],
    value: Any,
    *,
    lifted: bool = False,
    nothing: bool = False,
) -> float | None:
    seconds = fields.seconds(document, path, value)
    words = ".".join(path)
    if seconds is None and not lifted:
        raise SettingsInvalid(f"{document.at(*path)}: {words} cannot be none")
    if seconds == 0 and not nothing:
        raise SettingsInvalid(f"{document.at(*path)}: {words} leaves no time at all")
    return seconds


def _factor(document: Lined, path: tuple[str, str], value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= 100:
        raise SettingsInvalid(
            f"{document.at(*path)}: {'.'.join(path)} is not a number from 1 to 100",
            hint="1 keeps the limit of silence as it is.",
        )
    return float(value)


def _login(document: Lined, given: dict[str, Any]) -> LoginRules:
    figures: dict[str, Any] = {}
    for key, value in given.items():
        path = ("authentication", key)
        if key in ("attempts", "failures"):
            figures[key] = fields.whole(document, path, value)
        else:
            figures[key] = _seconds(document, path, value, nothing=key == "believed")
    if figures.get("attempts", 1) > _ATTEMPTS_MOST:
        place = document.at("authentication", "attempts")
        raise SettingsInvalid(f"{place}: authentication.attempts is above {_ATTEMPTS_MOST}")
    usual = DEFAULT.login.backoff
    first = figures.pop("first_delay", usual.first)
    longest = figures.pop("longest_delay", max(first, usual.most))
    if first > longest:
        place = document.at("authentication", "first_delay")
        raise SettingsInvalid(f"{place}: authentication.first_delay is above longest_delay")
    return LoginRules(backoff=Backoff(first=first, most=longest), **figures)
