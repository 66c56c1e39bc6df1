"""What can be started at all: arguments, environment, folder and program, looked at beforehand.

It looks with the eyes of the task, its PATH and its folder, never with those of this process.
What is found may be gone a moment later: the keeper's answer at the spawn is the one that counts.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Final

from inspan.errors import BadInput, FolderMissing, ProgramNotFound

#: Bytes of one argument or ``NAME=value``, its NUL included: MAX_ARG_STRLEN of Linux's binfmts.h.
ARGUMENT_MOST: Final = 32 * 4096 if sys.platform == "linux" else 1 << 20
#: How many names are looked at for "did you mean".
_NAMES_MOST: Final = 20_000


def check_arguments(command: Sequence[str]) -> None:
    """Raises BadInput where ``command`` cannot be the arguments of a program."""
    if not command or not command[0]:
        raise BadInput(
            "there is no command to run", hint="Name one: `inspan run -- COMMAND [ARGUMENT ...]`."
        )
    for number, argument in enumerate(command):
        _check_text(argument, f"argument {number}" if number else "the command")


def check_environment(env: Mapping[str, str]) -> None:
    """Raises BadInput where ``env`` cannot be an environment."""
    for name, value in env.items():
        if not name or "=" in name:
            raise BadInput(f"{name!r} is no name for an environment variable")
        _check_text(f"{name}={value}", f"the environment variable {name!r}")


def check_folder(cwd: str) -> None:
    """Raises BadInput where ``cwd`` is not absolute and FolderMissing where it is no folder."""
    _check_text(cwd, "the working folder")
    folder = Path(cwd)
    if not folder.is_absolute():
        raise BadInput(f"the working folder {cwd!r} is not absolute")
    try:
        mode = folder.stat().st_mode
    except OSError as error:
        raise FolderMissing(f"The working folder {cwd!r}: {error.strerror}.") from error
    if not stat.S_ISDIR(mode):
        raise FolderMissing(f"The working folder {cwd!r} is not a folder.")
    if not os.access(folder, os.X_OK):
        raise FolderMissing(
            f"The working folder {cwd!r} may not be entered.", hint="Check its permissions."
        )


def check_program(program: str, cwd: str, env: Mapping[str, str]) -> None:
    """Raises ProgramNotFound, with the nearest name as a hint, where ``program`` is not there."""
    if "/" in program:
        _check_file(program, Path(cwd, program))
        return
    # Text, for this is asked twice of each task: a path takes three times as long to make.
    folders = [f"{cwd}/{entry}" if entry[:1] != "/" else entry for entry in _path(env)]
    if not any(_runs(f"{folder}/{program}") for folder in folders):
        raise ProgramNotFound(
            f"The program {program!r} was not found on the task's PATH.",
            hint=_hint(program, cwd, [Path(folder) for folder in folders]),
        )


def _path(env: Mapping[str, str]) -> Iterable[str]:
    """The entries of the PATH, each once."""
    return dict.fromkeys(env.get("PATH", os.defpath).split(":"))


def _check_text(text: str, what: str) -> None:
    if "\0" in text:
        raise BadInput(f"{what} has a NUL character in it", hint="No program can be given one.")
    try:
        size = len(os.fsencode(text)) + 1
    except UnicodeEncodeError as error:
        raise BadInput(f"{what} has characters in it that no program can be given") from error
    if size > ARGUMENT_MOST:
        raise BadInput(
            f"{what} has {size} bytes; the system takes {ARGUMENT_MOST} at most",
            hint="Put it into a file, or hand it to the program as its input.",
        )


def _check_file(program: str, path: Path) -> None:
    if _runs(path):
        return
    mode = _mode(path)
    if mode is None:
        raise ProgramNotFound(f"The program {program!r} was not found.")
    if stat.S_ISDIR(mode):
        raise ProgramNotFound(f"{program!r} is a folder, not a program.")
    raise ProgramNotFound(
        f"{program!r} may not be run.", hint=f"Allow it with `chmod +x {program}`."
    )


def _mode(path: str | Path) -> int | None:
    """The mode of what is there; a folder closed to us is no error."""
    try:
        return os.stat(path).st_mode  # noqa: PTH116 - text, mostly
    except OSError:
        return None


def _runs(path: str | Path) -> bool:
    return os.access(path, os.X_OK) and stat.S_ISREG(_mode(path) or 0)


def _hint(program: str, cwd: str, folders: Sequence[Path]) -> str | None:
    if any(letter in program for letter in " |&;<>$"):
        return "A line for the shell is run with `inspan run -- sh -c 'LINE'`."
    if _runs(Path(cwd, program)):
        return f"It is in the working folder: run `./{program}`."
    near = get_close_matches(program, _names(program, folders), 1, 0.75)
    return f"Did you mean `{near[0]}`?" if near else None


def _names(program: str, folders: Sequence[Path]) -> list[str]:
    """Names on the PATH that are about as long: comparing all of them would take too long."""
    found: set[str] = set()
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                names = [entry.name for entry in islice(entries, _NAMES_MOST)]
        except OSError:
            continue
        found.update(name for name in names if abs(len(name) - len(program)) <= 2)
    return sorted(found)
