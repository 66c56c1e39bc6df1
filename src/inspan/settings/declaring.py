"""Agents that a person declares in the settings: under ``providers``, a name with a command line.

Mistakes are told with their lines. Only the user's own settings come here, never a file of a
project: who may declare an agent may run any program.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from inspan.agents.declaration import PROMPT, Declaration
from inspan.errors import SettingsInvalid
from inspan.model.agent import NO_AGENTS, Mode
from inspan.settings.names import is_secret

if TYPE_CHECKING:
    from inspan.settings.lined import Lined

_KNOWN: Final = (
    "argv",
    "env",
    "install",
    "mode",
    "prompt",
    "rules",
    "secrets",
    "slots",
    "version",
)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
#: Where a prompt may stand: a word of its own, or the value of a flag.
_PLACE: Final = re.compile(r"(--?[A-Za-z0-9][\w-]*=)?\{prompt\}")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\*?")
#: How the prompt is handed over, where it is no word of the command line.
_BY_INPUT: Final = "stdin"


def declaration(document: Lined, name: str, given: dict[Any, Any]) -> Declaration:
    """The agent called ``name``. Raises SettingsInvalid, with the line."""
    part = _Part(document, name, given)
    part.refuse_unknown()
    _check_name(part)
    argv = part.words("argv")
    if not argv or not argv[0]:
        raise part.wrong("argv", "there is no command line", "Write argv: [PROGRAM, ARGUMENT].")
    if "/" in argv[0] and not os.path.isabs(argv[0]):  # noqa: PTH117 - text, no path yet
        raise part.wrong(
            "argv",
            f"{argv[0]!r} would be looked for in the folder of each task",
            "Name a program on the PATH, or write the whole path to it.",
        )
    mode = _mode(part)
    _check_prompt(part, argv, mode)
    names = part.words("env")
    secrets = part.words("secrets")
    for key, words in (("env", names), ("secrets", secrets)):
        for word in words:
            if not _VARIABLE.fullmatch(word) or (key == "secrets" and word.endswith("*")):
                raise part.wrong(key, f"{word!r} is no name of a variable")
    hidden = tuple(word for word in names if not word.endswith("*") and is_secret(word))
    return Declaration(
        name=name,
        argv=argv,
        mode=mode,
        env=tuple(word for word in names if word not in hidden),
        secrets=tuple(dict.fromkeys((*secrets, *hidden))),
        rules=_rules(part),
        version=_version(part, argv[0]),
        install=part.text("install"),
        source=document.at("providers", name),
    )


class _Part:
    """What is written of one of them."""

    def __init__(self, document: Lined, name: str, given: dict[Any, Any]) -> None:
        self.document = document
        self.name = name
        self.given = given

    def wrong(self, key: str | None, what: str, hint: str | None = None) -> SettingsInvalid:
        """That this is amiss with ``key``, or with the whole."""
        where = self.document.at("providers", self.name, *([key] if key else []))
        return SettingsInvalid(f"{where}: {what}", hint=hint)

    def refuse_unknown(self) -> None:
        for key in self.given:
            if key not in _KNOWN:
                raise self.wrong(
                    str(key), f"{key!r} is not known here", f"Known here: {', '.join(_KNOWN)}."
                )

    def text(self, key: str) -> str:
        value = self.given.get(key, "")
        if not isinstance(value, str):
            raise self.wrong(key, f"{key} is not a text")
        return value

    def words(self, key: str) -> tuple[str, ...]:
        value = self.given.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(
                key, f"{key} is not a list of words", "Numbers, and words like true, go in quotes."
            )
        if any("\0" in item for item in value):
            raise self.wrong(key, f"{key} has a NUL character in it")
        return tuple(value)


def _check_name(part: _Part) -> None:
    from inspan.agents.registry import DIALECTS  # noqa: PLC0415 - only where one is declared

    if not _NAME.fullmatch(part.name):
        hint = "Small letters and digits, with - and _ between them."
        raise part.wrong(None, f"{part.name!r} is no name for an agent", hint)
    if part.name in DIALECTS or part.name in NO_AGENTS:
        raise part.wrong(
            None,
            f"inspan has a provider called {part.name!r} of its own",
            "Give it another name. Only its slots can be set here.",
        )


def _mode(part: _Part) -> Mode:
    word = part.given.get("mode")
    try:
        return Mode(str(word))
    except ValueError:
        words = ", ".join(mode.value for mode in Mode)
        what = "there is no mode" if word is None else f"mode is none of: {words}"
        hint = "acp: the Agent Client Protocol; stream: plain text; pty: a terminal."
        raise part.wrong("mode", what, hint) from None


def _check_prompt(part: _Part, argv: tuple[str, ...], mode: Mode) -> None:
    """Where the prompt goes must be plain: never into the middle of a word, which may be a line."""
    places = [word for word in argv if PROMPT in word]
    wanted = part.given.get("prompt")
    if wanted not in (None, _BY_INPUT):
        raise part.wrong("prompt", f"prompt is not {_BY_INPUT}", f'Or write "{PROMPT}" into argv.')
    if wanted == _BY_INPUT and (places or mode is not Mode.STREAM):
        why = f"argv has {PROMPT}" if places else f"the mode {mode.value} has no standard input"
        raise part.wrong("prompt", f"it cannot be handed over by standard input: {why}")
    if not places:
        return
    if mode is Mode.ACP:
        hint = "Leave it out: the protocol hands it over."
        raise part.wrong("argv", f"the mode acp has no place for {PROMPT}", hint)
    if len(places) > 1 or not _PLACE.fullmatch(places[0]) or places[0] == argv[0]:
        raise part.wrong(
            "argv",
            f"{PROMPT} is one whole argument, or the value of one flag",
            f'Write "{PROMPT}" or "--FLAG={PROMPT}", once.',
        )


def _rules(part: _Part) -> str | None:
    given = part.text("rules")
    if not given:
        return None
    # A path of its own is read from beside the settings, wherever inspan is started.
    base = Path(part.document.source).parent
    return str((base / Path(given).expanduser()).absolute())


def _version(part: _Part, program: str) -> tuple[str, ...]:
    if "version" not in part.given:
        return (program, "--version")
    return () if part.given["version"] is None else part.words("version")
