"""A goal's plan as YAML that a person edits, and back; each mistake is told with its line."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from inspan.errors import BadInput
from inspan.model.goal import PLAN_MOST, GoalPlan, as_told, plan_of
from inspan.settings.lined import Lined, read

if TYPE_CHECKING:
    import yaml

#: Larger than any plan as YAML, whose lines are indented.
BYTES_MOST: Final = 4 * PLAN_MOST
_ABOUT: Final = """\
# The steps of the plan. A step begins when all steps that it names in `after` have ended well.
#   name      by which other steps know it: a-z, 0-9, '-', '_', '.'
#   title     a few words for people
#   prompt    what its agent is told
#   after     the names of the steps whose results it needs: [one, another]
#   minutes   how long it will take, as you think
#   files     which files it is expected to touch
#   provider  who does it, such as claude; without it, the goal's worker
#   command   with `provider: shell`, what is run instead of a prompt: [make, test]
#   workspace worktree (without it), here or folder
#   review    false: nobody looks at its result
# What is not said is as the goal has it. An empty plan changes nothing.
"""
#: Where there is no plan yet.
_FIRST: Final = """\
summary:
steps:
# - name: tests
#   title: Tests first
#   minutes: 10
#   prompt: |
#     Write tests for what is wanted.
# - name: work
#   after: [tests]
#   prompt: |
#     Do it, until the tests pass.
"""
#: Breaks of lines beside \\n, which a block of YAML would not keep as they are.
_BREAKS: Final = "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


def written(plan: GoalPlan | None) -> str:
    """The YAML of a plan, with what each key means; of none, one to begin with."""
    return _ABOUT + "\n" + (_FIRST if plan is None else _yaml(plan))


def of_file(file: str) -> GoalPlan:
    """The plan in a file, or in standard input (``-``). Raises BadInput and CyclicPlan."""
    plan = parsed(*text_of(file))
    if plan is None:
        raise BadInput(f"there is no plan in {'standard input' if file == '-' else file}")
    return plan


def text_of(file: str) -> tuple[str, str]:
    """The text, and what it is called. Raises BadInput."""
    if file == "-":
        raw = sys.stdin.buffer.read(BYTES_MOST + 1)
        return decoded(raw, "standard input"), "<stdin>"
    try:
        with Path(file).open("rb") as stream:
            raw = stream.read(BYTES_MOST + 1)
    except OSError as error:
        raise BadInput(f"cannot read {file}: {error.strerror}") from error
    return decoded(raw, file), file


def parsed(text: str, source: str) -> GoalPlan | None:
    """The plan in ``text``, YAML or JSON; ``None`` where nothing is said in it.

    Raises BadInput and CyclicPlan, with the line.
    """
    document = read(text, source)
    if _is_empty(document.value):
        return None
    return plan_of(document.value, by_planner=False, at=partial(_at, document))


def _is_empty(told: object) -> bool:
    return told is None or (isinstance(told, dict) and not any(told.values()))


def _at(document: Lined, *path: str | int) -> str:
    return f"{document.at(*path)}: "


def decoded(raw: bytes, source: str) -> str:
    """The text of a file. Raises BadInput."""
    if len(raw) > BYTES_MOST:
        raise BadInput(f"{source} is too large for a plan")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{source} is not valid UTF-8") from error


def _yaml(plan: GoalPlan) -> str:
    import yaml  # noqa: PLC0415 - most plans are not written

    class Dumper(yaml.SafeDumper):
        """Texts of several lines as blocks, and lists of words on one line."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - as PyYAML calls it
            return super().increase_indent(flow, indentless=False)

    def text(dumper: yaml.SafeDumper, told: str) -> yaml.ScalarNode:
        style = "|" if "\n" in told else None
        if any(each in told for each in _BREAKS):
            style = '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", told, style=style)

    def several(dumper: yaml.SafeDumper, told: list[object]) -> yaml.SequenceNode:
        words = all(isinstance(each, str) for each in told)
        return dumper.represent_sequence("tag:yaml.org,2002:seq", told, flow_style=words)

    def number(dumper: yaml.SafeDumper, told: float) -> yaml.ScalarNode:
        """As a person writes it: 5, and not 5.0."""
        whole = told.is_integer()
        return dumper.represent_int(int(told)) if whole else dumper.represent_float(told)

    Dumper.add_representer(str, text)
    Dumper.add_representer(float, number)
    Dumper.add_representer(list, several)
    made: str = yaml.dump(
        as_told(plan), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100
    )
    return made
