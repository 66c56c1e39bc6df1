"""What is promised of each agent in each mode without a terminal, row by row; docs/agents.md has it
as a table. Values only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from inspan.cli import exits
from inspan.model.agent import Ending, Mode
from inspan.model.task import TaskState
from tests.agents.guided import AGENTS
from tests.unit.agents.expected import ending

#: Rows in which nobody needs to answer, each a scenario of its model, in words.
ROWS: Final[Mapping[str, str]] = {
    "answer": "answers",
    "write_file": "edits a file",
    "slow": "the answer comes slowly",
    "rate_limited_then_ok": "429 twice: in a second",
    "rate_limited": "429: in an hour",
    "quota": "429: a usage limit",
    "unauthorized": "401",
    "overloaded": "500",
    "cut": "the answer breaks off",
    "unfinished": "the answer has no end",
    "hang": "no answer",
}
#: What is said of each ending: state, the kind of the last event, exit status, reason.
SAID: Final = {
    Ending.DONE: (TaskState.COMPLETED, "task.completed", exits.DONE, None),
    Ending.LOGIN: (TaskState.ERROR, "task.errored", exits.OURS, "login"),
    Ending.QUOTA: (TaskState.FAILED, "task.failed", exits.FAILED, "quota"),
    Ending.OVERLOADED: (TaskState.FAILED, "task.failed", exits.FAILED, "overloaded"),
    Ending.CUT: (TaskState.FAILED, "task.failed", exits.FAILED, "cut"),
    Ending.STOPPED: (TaskState.FAILED, "task.failed", exits.FAILED, "deadline"),
}
#: Where a second mode ends otherwise than the first.
_OWN: Final[Mapping[tuple[str, Mode], Mapping[str, Ending]]] = {
    ("gemini", Mode.STREAM): {"cut": Ending.CUT},
}
#: Rows in which somebody has a hand, and who has them.
_STEERED: Final[Mapping[str, Callable[[str, Mode], bool]]] = {
    "asks; allowed, denied": lambda name, mode: AGENTS[name].asks_in(mode),
    "a second prompt": lambda name, mode: AGENTS[name].takes_more_in(mode),
    "interrupted, resumed": lambda name, _: AGENTS[name].resumes,
    "killed, resumed": lambda name, _: AGENTS[name].resumes,
}


def expected(agent: str, mode: Mode, row: str) -> Ending:
    """As its golden transcript ended, but for those that were let go on for minutes."""
    if row == "hang" or row in AGENTS[agent].tries_long:
        return Ending.STOPPED
    return _OWN.get((agent, mode), {}).get(row, ending(agent, row))


def table() -> Iterator[str]:
    """The lines of the table of the page on agents."""
    columns = [(name, mode) for name, how in AGENTS.items() for mode in how.modes]
    names = [f"{name} {mode}" if len(AGENTS[name].modes) > 1 else name for name, mode in columns]
    yield _line("", *names)
    yield "|---" * (len(columns) + 1) + "|"
    for row, words in ROWS.items():
        yield _line(words, *(_cell(expected(name, mode, row)) for name, mode in columns))
    for words, fits in _STEERED.items():
        yield _line(words, *("completed" if fits(name, mode) else "–" for name, mode in columns))


def _cell(how: Ending) -> str:
    if how is Ending.STOPPED:
        return "goes on"
    reason = SAID[how][3]
    return "completed" if reason is None else f"`{reason}`"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
