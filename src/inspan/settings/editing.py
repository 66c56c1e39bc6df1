"""A text in the editor that a person has chosen, on the terminal of this process."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Final

from inspan.errors import Unable

#: What edits where nobody said what does.
_EDITOR: Final = "vi"


def edit(path: Path, instead: str = "") -> None:
    """Have the file edited, and wait until that is over. ``instead``: how it is done without one.

    Raises Unable.
    """
    told = os.environ.get("VISUAL") or os.environ.get("EDITOR") or _EDITOR
    hint = "$VISUAL or $EDITOR names one" + (f"; {instead}." if instead else ".")
    try:
        words = [*shlex.split(told), str(path)]
        ended = subprocess.run(words, check=False)
    except (OSError, ValueError) as error:
        raise Unable(f"the editor {told!r} cannot be started: {error}", hint=hint) from error
    if ended.returncode != 0:
        raise Unable(f"the editor {told!r} ended with {ended.returncode}", hint=hint)
