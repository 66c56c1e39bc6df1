"""All that is known of one task, in sections, as lines. Pure.

The words are those of ``inspan why`` and ``inspan show``; here they are only put in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rich.text import Text

from inspan.model import event as e
from inspan.model.ids import short
from inspan.model.task import Task, TaskState
from inspan.settings.figures import show_duration
from inspan.telling import facts, phrases
from inspan.telling.why import why
from inspan.terminal.sanitize import one_line
from inspan.tui.detail import Looked
from inspan.tui.lines import Pair

_NAME_WIDE: Final = 12
#: Events that are told, the newest ones.
_EVENTS: Final = 300
#: What the sections with a name of their own tell.
_ELSEWHERE: Final = frozenset({"check", "used"})


def whole(task: Task, looked: Looked | None, now: float) -> Iterator[Text]:
    """The lines; ``looked`` is of this task."""
    activity = looked.activity if looked else None
    events = looked.events if looked else ()
    yield Text(phrases.title(task.spec), style="bold")
    yield Text.assemble(
        (phrases.state(task, activity), phrases.STYLES[task.state]),
        (f"  {short(task.id)}  {phrases.took(task, now)}", "dim"),
    )
    yield from _section("Why", why(task, activity, now))
    yield from _section("Verdict", _verdict(task))
    told = (pair for pair in facts.what(task) if pair[0] not in _ELSEWHERE)
    yield from _section("What", told)
    yield from _section("Where", facts.where(task))
    yield from _section("When", facts.when(task, now))
    yield from _section("Attempts", _attempts(task, events, now))
    yield from _section("Checks", facts.checks(task), {"passed": "green", "failed": "red"})
    yield from _section("Cost", facts.cost(task))
    yield from _section("Variables", facts.withheld(task))
    if events:
        yield from _head("What happened")
    for event in events[-_EVENTS:]:
        yield Text.assemble(
            (facts.clock(event.at)[11:] + "  ", "dim"), event.kind + facts.detail(event.fact)
        )


def _verdict(task: Task) -> facts.Pairs:
    if task.verdict is not None:
        yield "verdict", task.verdict.value.replace("_", " ")
    for finding in task.findings:
        for line in finding.splitlines():
            yield "finding", one_line(line)


def _attempts(task: Task, events: Iterable[e.Event], now: float) -> facts.Pairs:
    events = list(events)
    yield from facts.attempts(events)
    if task.state in (TaskState.RUNNING, TaskState.WAITING):
        begun = [one.at for one in events if isinstance(one.fact, e.AttemptStarted)]
        took = f" for {show_duration(max(0.0, now - begun[-1]))}" if begun else ""
        pid = f", process {task.pid}" if task.pid is not None else ""
        yield f"attempt {task.attempt}", f"at work{took}{pid}"


def _section(
    name: str, pairs: Iterable[tuple[str, str]], styles: dict[str, str] | None = None
) -> Iterator[Text]:
    headed = False
    for word, value in pairs:
        if not headed:
            headed = True
            yield from _head(name)
        for number, line in enumerate(value.splitlines() or [""]):
            first = word if number == 0 else ""
            style = (styles or {}).get(word, "dim")
            yield Pair(first, line, _NAME_WIDE, style)


def _head(name: str) -> Iterator[Text]:
    yield Text()
    yield Text(name, style="bold dim")
