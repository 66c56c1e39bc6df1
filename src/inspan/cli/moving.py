"""The view that moves: a table of tasks on a terminal, drawn by rich."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from inspan.cli import rows
from inspan.model.ids import short
from inspan.model.task import TERMINAL, Task, TaskState

#: What a person looks for first.
_ORDER: Final = (
    TaskState.WAITING,
    TaskState.RUNNING,
    TaskState.PROCESSING,
    TaskState.FAILED,
    TaskState.ERROR,
    TaskState.INTERRUPTED,
    TaskState.QUEUED,
    TaskState.PENDING,
)
_FRAME: Final = 0.1


class Moving:
    """A table that is drawn again as things change; gone when it is left."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._drawn = 0.0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def changed(self, task: Task) -> None:  # noqa: ARG002 - other views show the task at once
        """Draw at the next tick, however soon."""
        self._drawn = 0.0

    def tick(self, tasks: Sequence[Task]) -> None:
        """Draw, but not more often than an eye follows."""
        now = time.monotonic()
        if now - self._drawn >= _FRAME:
            self._drawn = now
            self._live.update(self._drawing(tasks), refresh=True)

    def _drawing(self, tasks: Sequence[Task]) -> Group:
        room = max(3, self._console.size.height - 3)
        rank = {state: place for place, state in enumerate(_ORDER)}
        ordered = sorted(tasks, key=lambda task: rank.get(task.state, len(rank)))
        view = Table.grid(padding=(0, 2), expand=True)
        for _ in rows.HEAD[:-1]:
            view.add_column(no_wrap=True)
        view.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for task in ordered[:room]:
            cells = [Text(cell) for cell in rows.row(task)]
            cells[1].stylize(rows.STYLES[task.state])
            view.add_row(*cells)
        return Group(view, self._summary(tasks, len(tasks) - room))

    def _summary(self, tasks: Sequence[Task], hidden: int) -> Text:
        done = sum(task.state in TERMINAL for task in tasks)
        counts = Counter(task.state.value for task in tasks)
        words = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
        line = Text(f"{_bar(done, len(tasks))} {done}/{len(tasks)}  {words}", style="bold")
        if hidden > 0:
            line.append(f"  ({hidden} more)", style="dim")
        for task in tasks:
            if task.state is TaskState.WAITING:
                line.append(f"\n  inspan answer {short(task.id)} TEXT", style="yellow")
        return line


def _bar(done: int, total: int, width: int = 20) -> str:
    full = done * width // max(1, total)
    return "━" * full + "─" * (width - full)
