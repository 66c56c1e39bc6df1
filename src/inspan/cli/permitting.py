"""What an agent may do without asking, from a command line; the daemon adds the settings' rules."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from inspan.errors import BadInput
from inspan.model.permission import Decision, Policy, rule
from inspan.settings import Settings
from inspan.settings.figures import duration

if TYPE_CHECKING:
    from inspan.agents.dialect import Dialect

_WHAT: Final = {
    Decision.ALLOW: "let an agent do this: TOOL, TOOL:COMMAND or TOOL@PATH",
    Decision.ASK: "have it ask for this, whatever else allows it",
    Decision.DENY: "never let it do this",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of this module."""
    group = parser.add_argument_group("what an agent may do")
    for decision, words in _WHAT.items():
        group.add_argument(
            f"--{decision.value}", action="append", default=[], metavar="RULE", help=words
        )
    group.add_argument("--permissions", metavar="FILE", help="rules in a file of YAML")
    group.add_argument(
        "--answer-within", metavar="TIME", help="deny what nobody answers in this time, or none"
    )


def policy_of(
    args: argparse.Namespace, settings: Settings, dialect: Dialect | None, *, foreground: bool
) -> Policy | None:
    """What the flags say; ``None`` leaves it to the settings. Raises BadInput.

    Where a person watches on a terminal, a question waits for as long as they like.
    """
    within, file = args.answer_within, args.permissions
    given = [(decision, text) for decision in Decision for text in getattr(args, decision.value)]
    if dialect is None:
        if given or file is not None or within is not None:
            raise BadInput("only an agent asks for permissions", hint="Name one: `--agent claude`.")
        return None
    watched = foreground and person()
    if not (given or file is not None or within is not None or watched):
        return None
    expires = None if watched else settings.permissions.expires
    rules = tuple(rule(decision, text) for decision, text in given)
    if file is not None:
        from pathlib import Path

        from inspan.settings.permissions import load

        more = load(Path(file), expires)
        rules, expires = (*more.rules, *rules), more.expires
    return Policy(rules, expires if within is None else duration(within))


def person() -> bool:
    """True where somebody can be asked right here: what is written is seen, and what is typed
    is ours.
    """
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
