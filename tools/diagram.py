"""Draws the life of a task into docs/ARCHITECTURE.md, from the table that the engine walks.

With ``--check`` it changes nothing and fails where the drawing is not what the table says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from inspan.model.event import Interrupted
from inspan.model.lifecycle import TABLE
from inspan.model.task import TaskState, is_terminal

DOCUMENT = Path(__file__).parent.parent / "docs" / "ARCHITECTURE.md"
BEGIN = "<!-- the life of a task: drawn by tools/diagram.py -->"
END = "<!-- end of the drawing -->"

#: The states that can be interrupted; an arrow from their frame is an arrow from each of them.
OPEN = tuple(state for state in TaskState if Interrupted in TABLE[state])

Arrow = tuple[TaskState, str, TaskState]


def arrows() -> list[Arrow]:
    """Every change of state that the table has."""
    return [
        (state, fact.__name__, target)
        for state, row in TABLE.items()
        for fact, target in row.items()
        if target is not None and target is not state
    ]


def drawing() -> str:
    """The whole part between the markers."""
    everywhere = _shared_by_all_open(arrows())
    lines = ["```mermaid", "stateDiagram-v2", "    direction LR", "    [*] --> pending: Submitted"]
    lines += ["    state open {", *(f"        {state}" for state in OPEN), "    }"]
    lines += [
        f"    {start} --> {end}: {', '.join(names)}"
        for (start, end), names in _grouped(arrows(), everywhere).items()
    ]
    lines += [f"    open --> {end}: {name}" for name, end in everywhere]
    lines += [f"    {state} --> [*]" for state in TaskState if is_terminal(state)]
    lines += ["```", "", *_standing()]
    return "\n".join(lines)


def _shared_by_all_open(found: list[Arrow]) -> list[tuple[str, TaskState]]:
    pairs = {(name, end): None for _, name, end in found}
    return [
        (name, end) for name, end in pairs if all((state, name, end) in found for state in OPEN)
    ]


def _grouped(
    found: list[Arrow], everywhere: list[tuple[str, TaskState]]
) -> dict[tuple[TaskState, TaskState], list[str]]:
    grouped: dict[tuple[TaskState, TaskState], list[str]] = {}
    for start, name, end in found:
        if start not in OPEN or (name, end) not in everywhere:
            grouped.setdefault((start, end), []).append(name)
    return grouped


def _standing() -> Iterator[str]:
    yield "These facts change what is known of a task and leave its state as it is:"
    yield ""
    yield "| fact | in |"
    yield "|---|---|"
    standing: dict[str, list[TaskState]] = {}
    for state, row in TABLE.items():
        for fact, target in row.items():
            if target is None:
                standing.setdefault(fact.__name__, []).append(state)
    for name, states in standing.items():
        yield f"| {name} | {_named(tuple(states))} |"


def _named(states: tuple[TaskState, ...]) -> str:
    if set(states) == set(TaskState):
        return "every state"
    if set(states) == {state for state in TaskState if is_terminal(state)}:
        return "every terminal state"
    if set(states) == {state for state in TaskState if not is_terminal(state)}:
        return "every state that is not terminal"
    return ", ".join(states)


def inserted(text: str) -> str:
    """``text`` with the drawing between its markers."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{drawing()}\n{END}{after}"


def main(argv: list[str]) -> int:
    """Write the drawing; with ``--check`` only compare, and 1 where it differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where it differs")
    only_compare = parser.parse_args(argv).check
    text = DOCUMENT.read_text(encoding="utf-8")
    if inserted(text) == text:
        return 0
    if only_compare:
        print("docs/ARCHITECTURE.md does not show the table as it is; `make docs` draws it anew")
        return 1
    DOCUMENT.write_text(inserted(text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
