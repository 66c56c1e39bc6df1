"""An agent that a person declared in the settings: what was written of it, as a value."""

from __future__ import annotations

from typing import Final

from inspan.model.agent import Mode
from inspan.model.value import named_value

#: Stands in a command line for the prompt.
PROMPT: Final = "{prompt}"


@named_value
class Declaration:
    """What its program is, and how it is spoken to."""

    name: str
    #: Its command line; at most one word is, or ends with ``=`` and, the place of the prompt.
    argv: tuple[str, ...]
    mode: Mode
    #: Variables that it needs; ``PREFIX_*`` for many.
    env: tuple[str, ...] = ()
    #: Variables that hold its keys.
    secrets: tuple[str, ...] = ()
    #: An absolute path to rules for its screen.
    rules: str | None = None
    #: The command line that tells its version; an empty one where none does.
    version: tuple[str, ...] = ()
    #: What installs it, in words for a person.
    install: str = ""
    #: Where it is written: the file and the line.
    source: str = ""

    @property
    def place(self) -> int | None:
        """Which word has the prompt; ``None``: it is handed over otherwise."""
        found = (at for at, word in enumerate(self.argv) if word.endswith(PROMPT))
        return next(found, None)
