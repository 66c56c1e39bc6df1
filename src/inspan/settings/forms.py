"""The forms that the settings files have had, and the ways between them: text in, text out.

Form 1 had limits of time in ``config.yaml``, under ``limits``; form 2 has a file for them.
What a step takes out of a file stays in it as comments, so that the way back is exact, remarks and
all. It reads and writes no file.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from inspan.errors import SettingsInvalid
from inspan.settings.lined import Lined, read
from inspan.settings.values import FORM

#: ``version`` in ``config.yaml`` tells the form of both files.
_HEAD: Final = f"version: {FORM}\n"
_KEPT: Final = "#form-1 "
_FROM: Final = "# From `limits` of config.yaml, by `inspan upgrade`.\n"
#: What was under ``limits`` → where it is now.
_MOVED: Final = {
    "deadline": ("command", "timeout"),
    "max_deadline": ("command", "longest"),
    "idle": ("command", "idle"),
    "warn_before": ("session", "warning"),
    "grace": ("stop", "grace"),
}


class Texts(NamedTuple):
    """What the two files say; ``None``: there is no such file."""

    config: str | None
    timeouts: str | None


def form_of(config: str | None) -> int:
    """In which form that is written; 2 where it fits both. Raises SettingsInvalid, BadInput."""
    document = read(config or "", "config.yaml")
    return 1 if isinstance(document.value, dict) and "limits" in document.value else FORM


def forward(texts: Texts) -> Texts:
    """From form 1 to form 2. Raises SettingsInvalid where a person has to do it."""
    config = texts.config or ""
    document = read(config, "config.yaml")
    timeouts = _timeouts(document)
    if texts.timeouts not in (None, timeouts):  # one of this step is there where it was cut off
        raise SettingsInvalid(
            f"{document.at('limits')}: limits are here, and timeouts.yaml is there too",
            hint="Write into timeouts.yaml what is to count, and take `limits` out.",
        )
    first, end = _lines(document, "limits", config)
    lines = config.splitlines(keepends=True)
    for number in range(first, end):
        lines[number] = _KEPT + lines[number]
    return Texts(_HEAD + "".join(lines), timeouts)


def back(texts: Texts) -> Texts:
    """From form 2 to the very text of form 1 that it was. Raises SettingsInvalid."""
    config = texts.config or ""
    lines = config.splitlines(keepends=True)
    if lines[:1] != [_HEAD] or not any(line.startswith(_KEPT) for line in lines):
        raise SettingsInvalid(
            "config.yaml was not brought to its form by `inspan upgrade`",
            hint="For an older inspan write what timeouts.yaml has under `limits` by hand.",
        )
    before = "".join(line.removeprefix(_KEPT) for line in lines[1:])
    if texts.timeouts != forward(Texts(before, None)).timeouts:
        raise SettingsInvalid(
            "timeouts.yaml was changed since the upgrade, and an older inspan does not read it",
            hint="Write what it has under `limits` of config.yaml by hand.",
        )
    return Texts(before, None)


def _timeouts(document: Lined) -> str:
    given = document.value["limits"]
    if not isinstance(given, dict) or not given.keys() <= _MOVED.keys():
        known = ", ".join(_MOVED)
        raise SettingsInvalid(
            f"{document.at('limits')}: limits has what it never had", hint=f"It had: {known}."
        )
    sections: dict[str, list[str]] = {}
    for name, (section, key) in _MOVED.items():
        if name in given:
            sections.setdefault(section, []).append(f"  {key}: {_written(given[name])}\n")
    parts = [f"{section}:\n{''.join(keys)}" for section, keys in sections.items()]
    return _FROM + "".join(parts)


def _written(value: Any) -> str:
    return "none" if value is None else str(value)


def _lines(document: Lined, key: str, text: str) -> tuple[int, int]:
    """The lines of a top-level key, from 0: its first, and the first behind it."""
    starts = sorted(line for path, line in document.lines.items() if len(path) == 1)
    first = document.lines[key,]
    if starts.count(first) > 1 or not text.splitlines()[first - 1].startswith(key):
        raise SettingsInvalid(
            f"{document.at(key)}: {key} has no lines of its own",
            hint="Write what it has into timeouts.yaml, and take it out here.",
        )
    behind = [line for line in starts if line > first]
    return first - 1, (behind[0] - 1 if behind else len(text.splitlines()))
