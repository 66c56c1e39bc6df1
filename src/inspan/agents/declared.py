"""The dialect of an agent that a person declared: by the protocol, plain text, or a terminal.

Nothing is known of its program but what was written. Of plain text the exit status tells how it
ended, since nothing else does; who declares such a program says that it tells the truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspan.agents.acp import AcpTalk, Speaker
from inspan.agents.declaration import PROMPT, Declaration
from inspan.agents.dialect import Talk, Turn
from inspan.agents.endings import silent_end
from inspan.agents.handed import Handed
from inspan.agents.signs import Said, Sign
from inspan.errors import BadInput
from inspan.model.agent import Ending, Mode, Outcome
from inspan.model.task import Exit

#: Linux gives one argument this much, with its end (MAX_ARG_STRLEN).
_ARGUMENT_MOST: Final = 128 << 10


class Declared:
    """What is true of the program, as far as its declaration says."""

    def __init__(self, declaration: Declaration) -> None:
        self._told = declaration
        self.name: Final = declaration.name
        self.program: Final = declaration.argv[0]
        self.install: Final = declaration.install
        self.modes: Final = (declaration.mode,)
        self.settings: Final = declaration.env
        self.secrets: Final = declaration.secrets
        self.screen_rules: Final = declaration.rules
        self.source: Final = declaration.source

    def ask_version(self) -> tuple[str, ...]:
        """The command line that tells its version; empty where none does."""
        return self._told.version

    def check(self, turn: Turn) -> None:
        """Refuse a prompt that would not arrive as it is. Raises BadInput."""
        prompt, place = turn.prompt, self._told.place
        try:
            size = len(prompt.encode())
        except UnicodeEncodeError as error:
            raise BadInput(
                "the prompt has characters in it that no program can be given"
            ) from error
        if place is None:
            if prompt and turn.mode is Mode.PTY:
                raise BadInput(
                    f"no place for a prompt is declared for {self.name}",
                    hint=f'Write "{PROMPT}" into its argv, or leave out the prompt and type it.',
                )
            return
        otherwise = f"Declare {self.name} without {PROMPT}, so that it reads its standard input."
        hint = otherwise if turn.mode is Mode.STREAM else None
        room = _ARGUMENT_MOST - len(self.argv_word(place).encode()) + len(PROMPT) - 1
        if size > room:
            raise BadInput(
                f"{self.name} takes its prompt as an argument, which holds {room} bytes at most;"
                f" the prompt has {size}",
                hint=hint,
            )
        if "\0" in prompt:
            raise BadInput(f"{self.name} takes its prompt as an argument: none can have NUL in it")
        bare = self.argv_word(place) == PROMPT and self.argv_word(place - 1) != "--"
        if bare and prompt.startswith("-"):
            raise BadInput(
                f"{self.name} would take a prompt that begins with `-` for a flag",
                hint=f'Write "--" before "{PROMPT}" in its argv, or "--FLAG={PROMPT}".',
            )

    def argv_word(self, at: int) -> str:
        """One word of the command line as it was declared."""
        return self._told.argv[at]

    def argv(self, turn: Turn) -> tuple[str, ...]:
        """Its command line. A person's arguments stand before a ``--`` that the prompt follows."""
        words, place = self._told.argv, self._told.place
        if place is None:
            return (*words, *turn.arguments)
        end = len(words)
        if words[place - 1] == "--":
            end = place - 1
        filled = [
            word.removesuffix(PROMPT) + turn.prompt if at == place else word
            for at, word in enumerate(words)
            if at != place or turn.prompt
        ]
        return (*filled[:end], *turn.arguments, *filled[end:])

    def env(self, _turn: Turn) -> dict[str, str]:
        """It needs nothing."""
        return {}

    def talk(self, turn: Turn) -> Talk:
        """A new conversation."""
        if turn.mode is Mode.ACP:
            hint = f"Log in to {self.name} as its maker says."
            return AcpTalk(turn, Speaker(login_hint=hint, silent=self._silent))
        return TextTalk(self.name, "" if self._told.place is not None else turn.prompt)

    def _silent(self, how: Exit, complaint: str) -> Outcome:
        return silent_end(self.name, how, complaint)


class TextTalk:
    """One process that is given a prompt, prints text, and ends."""

    #: What it prints may be all that it says: nothing tells that it is done before it ends.
    over: Final = False
    #: All that it will be given is written at once.
    fed: Final = True

    def __init__(self, name: str, prompt: str) -> None:
        """``prompt``: what is written to it."""
        self.handed = Handed()
        self._name = name
        self._prompt = prompt
        self._begun = False
        self._said = False

    def begin(self) -> bytes:
        """The prompt, to the byte."""
        return self._prompt.encode()

    def heard(self, line: bytes) -> Iterator[Sign]:
        """A line of text, with the break before it: who shows text ends its last line."""
        text = line.decode(errors="replace")
        yield Said(f"\n{text}" if self._begun else text, more=self._begun)
        self._begun = True
        self._said = self._said or bool(text.strip())

    def sent(self, line: bytes) -> None:
        """It was sent its prompt, which says nothing of it."""

    def ask(self, _prompt: str, _key: str = "") -> None:
        """It takes one prompt."""

    def answer(self, _request: str, _text: str) -> None:
        """It asks nothing."""

    def interrupt(self) -> None:
        """A signal ends it."""

    def outcome(self, how: Exit, *, stopped: bool, complaint: str) -> Outcome:
        """Its exit status, and that it said something."""
        if stopped:
            return Outcome(Ending.STOPPED, "it was interrupted")
        if not how.ok:
            return silent_end(self._name, how, complaint)
        if not self._said:
            return Outcome(Ending.EMPTY, "it ended without having said anything")
        return Outcome(Ending.DONE)
