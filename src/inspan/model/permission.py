"""What an agent may do without asking a person: the rules, as they are written and stored.

What they say of a request is told in ``model.judging``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from inspan.errors import BadInput
from inspan.model.value import value

#: How long a question waits for a person where nobody is known to watch, in seconds.
ANSWER_WITHIN: Final = 3600.0
#: Stands for any tool, for any one word of a command, or for any text within a name of a path.
ANY: Final = "*"
#: Stands for any words at the end of a command, or for any folders between two names.
MANY: Final = "**"


class Decision(StrEnum):
    """What becomes of a request, the strictest last."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


@value
class Rule:
    """What becomes of the requests that it matches: all of a tool's, or some of them."""

    decision: Decision
    #: The tool as the agent calls it, whatever its case; ``*`` for any.
    tool: str = ANY
    #: The command: its words, of which ``*`` is any one and ``**`` at the end are any; or the line.
    command: str | None = None
    #: A path and all that lies below it, from the workspace on unless it begins with a slash.
    path: str | None = None

    def __str__(self) -> str:
        command = "" if self.command is None else f":{self.command}"
        path = "" if self.path is None else f"@{self.path}"
        return f"{self.decision} {self.tool}{command}{path}"


@value
class Policy:
    """The rules for a task, and how long a question waits; seconds, ``None`` for ever."""

    rules: tuple[Rule, ...] = ()
    expires: float | None = ANSWER_WITHIN

    def under(self, all_tasks: Policy) -> Policy:
        """These for one task, with the rules that are there for all."""
        return Policy((*all_tasks.rules, *self.rules), self.expires)


def rule(decision: Decision, text: str) -> Rule:
    """The rule that ``TOOL``, ``TOOL:COMMAND`` or ``TOOL@PATH`` writes. Raises BadInput."""
    at = min((place for mark in ":@" if (place := text.find(mark)) >= 0), default=len(text))
    tool, mark, pattern = text[:at].strip(), text[at : at + 1], text[at + 1 :].strip()
    if not tool or (mark and not pattern) or "\0" in text:
        raise BadInput(
            f"{text!r} is no rule",
            hint="Write TOOL, TOOL:COMMAND or TOOL@PATH, as in `Bash:make test` or `Write@src`.",
        )
    if "(" in tool or ")" in tool:  # as one agent writes its own; it would never match
        raise BadInput(
            f"{text!r} is no rule: no tool has a name with brackets",
            hint="A command stands behind a colon, a path behind an @:"
            " `Bash:make test`, `Bash:git log **`, `Write@src`.",
        )
    if mark == ":":
        words = words_of(pattern)
        if words is None:
            raise BadInput(f"in {text!r} a quotation mark is open")
        if MANY in words[:-1]:
            raise BadInput(f"in {text!r} words follow `**`", hint="It stands at the end only.")
        return Rule(decision, tool, command=pattern)
    if mark == "@":
        if pattern.startswith("~"):
            raise BadInput(f"{text!r}: ~ is not known here", hint="Write the whole path.")
        return Rule(decision, tool, path=pattern)
    return Rule(decision, tool)


def words_of(pattern: str) -> tuple[str, ...] | None:
    """The words of a command; ``None`` where a quotation mark is open."""
    import shlex  # noqa: PLC0415 - most tasks have no rules

    try:
        return tuple(shlex.split(pattern))
    except ValueError:
        return None
