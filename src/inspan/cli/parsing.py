"""argparse with our manners: a mistake is one sentence and a hint, never a page of usage."""

from __future__ import annotations

import argparse
import os
from typing import Any, Final, NoReturn

from inspan.cli.say import clean
from inspan.errors import BadInput

# It would look for translations of its few words, where there are none, in eight folders, and load
# `locale` for that, which costs 1.5 ms. Our own words are not translated either.
argparse._ = str  # type: ignore[attr-defined]

#: What verbs with words of their own, as ``inspan token new``, call the place of that word.
_WORD: Final = "what"


def _formatter(prog: str) -> argparse.HelpFormatter:
    """A formatter of a known width: looking for one would load shutil, which costs 3 ms."""
    try:
        columns = os.get_terminal_size(1).columns
    except (OSError, ValueError):
        columns = 80
    width = max(40, min(columns, 100) - 2)
    return _Formatter(prog, width=width)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Prose is filled to the width; a line that is indented, or follows one, stays as it is."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        parts = (self._filled(part, width) for part in text.split("\n\n"))
        return super()._fill_text("\n\n".join(parts), width, indent)

    def _filled(self, part: str, width: int) -> str:
        lines = part.split("\n")
        if any(line.startswith("  ") for line in lines) or max(map(len, lines)) <= width:
            return part
        from textwrap import fill

        return fill(" ".join(lines), width, break_long_words=False, break_on_hyphens=False)


class Parser(argparse.ArgumentParser):
    """A parser that raises BadInput where argparse would print its usage and exit."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            **settings,
            allow_abbrev=False,
            formatter_class=_formatter,
        )

    def error(self, message: str) -> NoReturn:
        """Raise BadInput."""
        raise BadInput(clean(self._told(message)), hint=self._meant(message) or self._more())

    def print_help(self, file: Any = None) -> None:
        """Print the help. Raises OSError where there is no room; argparse's own is silent then."""
        print(self.format_help(), end="", file=file)

    def _more(self) -> str:
        return f"`{self.prog} --help` lists what it takes."

    def _told(self, message: str) -> str:
        """The message, where it is of the word after a verb, with the words that there are."""
        known = next((action.choices for action in self._actions if action.dest == _WORD), None)
        if known is None:
            return message
        listed = ", ".join(known)
        if message.startswith(f"the following arguments are required: {_WORD}"):
            return f"`{self.prog}` wants one of: {listed}"
        before, colon, rest = message.partition(f"argument {_WORD}: invalid choice: ")
        return (
            f"{rest.partition(' (')[0]} is none of: {listed}" if colon and not before else message
        )

    def _meant(self, message: str) -> str | None:
        """What a flag that does not exist may have been meant for."""
        unknown, colon, flags = message.partition("unrecognized arguments: ")
        if unknown or not colon:
            return None
        from difflib import get_close_matches

        wrong = flags.split()[0].partition("=")[0]
        known = [name for action in self._actions for name in action.option_strings]
        near = get_close_matches(wrong, known, n=1) if wrong.startswith("-") else []
        return f"Did you mean {near[0]}?" if near else None


def add_json(parser: argparse.ArgumentParser) -> None:
    """The flag of every verb whose output is data."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_task(parser: argparse.ArgumentParser, *, many: bool = False) -> None:
    """The task, or tasks, that a verb is about."""
    if many:
        parser.add_argument("task", nargs="+", metavar="ID", help="a task; short ids and `last` do")
    else:
        parser.add_argument("task", metavar="ID", help="a task; a short id or `last` will do")
