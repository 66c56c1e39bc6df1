"""A file of settings, read by YAML once for each text that it has.

Reading YAML costs a short command more than all else that it does, so what a text says is kept as
JSON where the state is. It counts for the very same text alone. What a setting means, and whether
it is one, is not known here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from inspan.errors import InspanError, SettingsInvalid

if TYPE_CHECKING:
    from inspan.settings.lined import Lined

T = TypeVar("T")

#: More is not kept: whoever has such a file does not wait for a few milliseconds.
_KEPT_MOST: Final = 1 << 18


def made_of(
    path: str | os.PathLike[str], make: Callable[[Lined], T], state: str | None
) -> T | None:
    """What ``make`` makes of the file; ``None`` where there is none.

    ``state``: the folder where what it says is kept, if it is to be. Raises SettingsInvalid.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - every command reads it, and pathlib costs 4 ms
            text = file.read().decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"cannot read {path}: {error}") from error
    try:
        return make(_document(text, os.fspath(path), state))
    except SettingsInvalid:
        raise
    except InspanError as error:
        raise SettingsInvalid(error.message) from error


def _document(text: str, source: str, state: str | None) -> Lined:
    from inspan.settings.lined import read  # noqa: PLC0415 - only where there is a file

    if state is None:
        return read(text, source)
    kept = f"{state}/.{source.rpartition('/')[2]}.json"
    document = _known(kept, text, source)
    if document is None:
        document = read(text, source)
        _keep(kept, text, document)
    return document


def _known(kept: str, text: str, source: str) -> Lined | None:
    from inspan.settings.lined import Lined  # noqa: PLC0415 - as above

    try:
        with open(kept, "rb") as file:  # noqa: PTH123 - as above
            whose, value, lines = json.load(file)
        same = whose == text
        return Lined(value, source, {tuple(at): line for at, line in lines}) if same else None
    except (OSError, ValueError, TypeError):
        return None


def _keep(kept: str, text: str, document: Lined) -> None:
    """Where it cannot be, the next command reads YAML too; so it does with half of a file."""
    known = [text, document.value, [[list(at), line] for at, line in document.lines.items()]]
    with suppress(OSError, TypeError, ValueError):
        told = json.dumps(known).encode()
        # Of what YAML has, JSON has no dates, and no keys but texts.
        if len(told) > _KEPT_MOST or json.loads(told) != known:
            return
        new = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(kept, new, 0o600)
        try:
            os.write(file, told)
        finally:
            os.close(file)
