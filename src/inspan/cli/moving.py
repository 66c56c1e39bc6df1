"""The view that moves: a table of tasks on a terminal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from inspan.cli import rows
from inspan.cli.redrawn import Redrawn
from inspan.model.ids import short
from inspan.model.task import TERMINAL, Task, TaskState
from inspan.telling import phrases

if TYPE_CHECKING:
    from inspan.model.activity import Activity

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
#: So many questions are shown with how to answer them.
_ASKING_MOST: Final = 3


class Moving(Redrawn):
    """A table that is drawn again as things change; gone when it is left."""

    def __init__(self) -> None:
        super().__init__()
        self._drawn = 0.0

    def changed(self, task: Task) -> None:  # noqa: ARG002 - other views show the task at once
        """Draw at the next tick, however soon."""
        self._drawn = 0.0

    def tick(self, tasks: Sequence[Task], activities: Mapping[str, Activity]) -> None:
        """Draw, but not more often than an eye follows."""
        now = time.monotonic()
        if now - self._drawn >= _FRAME:
            self._drawn = now
            self.draw(self._drawing(tasks, activities))

    def _drawing(
        self, tasks: Sequence[Task], activities: Mapping[str, Activity]
    ) -> tuple[RenderableType, ...]:
        size = self._console.size
        asking = [task for task in tasks if task.state is TaskState.WAITING][:_ASKING_MOST]
        room = max(1, size.height - 2 - len(asking))
        rank = {state: place for place, state in enumerate(_ORDER)}
        ordered = sorted(tasks, key=lambda task: rank.get(task.state, len(rank)))[:room]
        head, *found = rows.fitted(ordered, size.width, activities=activities)
        view = Table.grid(padding=(0, 2), expand=True)
        for _ in head[:-1]:
            view.add_column(no_wrap=True)
        view.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for task, texts in zip(ordered, found, strict=True):
            cells = [Text(text) for text in texts]
            cells[1].stylize(self.style(phrases.STYLES[task.state]))
            view.add_row(*cells)
        answers = [self.line(f"  inspan answer {short(t.id)} TEXT", "yellow") for t in asking]
        return (view, self._summary(tasks, len(tasks) - len(ordered), size.width), *answers)

    def _summary(self, tasks: Sequence[Task], hidden: int, width: int) -> Text:
        done = sum(task.state in TERMINAL for task in tasks)
        counts = Counter(task.state.value for task in tasks)
        words = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
        bar = _bar(done, len(tasks), min(20, width // 4))
        more = f"  ({hidden} more)" if hidden > 0 else ""
        return self.line(f"{bar} {done}/{len(tasks)}{more}  {words}", "bold")


def _bar(done: int, total: int, width: int) -> str:
    full = done * width // max(1, total)
    return "━" * full + "─" * (width - full)
