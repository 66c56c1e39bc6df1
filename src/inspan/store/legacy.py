"""Tasks out of other programs' data: nothing is dropped, and what was not understood is told.

It knows what to make of a record, never a store: ``changes`` gives what somebody else commits.
States are reached only by facts that ``lifecycle.apply`` allows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from inspan.engine.ports import Change
from inspan.model import event as e
from inspan.model.ids import session_id
from inspan.model.lifecycle import apply
from inspan.model.plan import order
from inspan.model.task import TERMINAL, Exit, Needs, Patience, Reason, Task, TaskSpec, TaskState
from inspan.store import legacy_values as values
from inspan.store.legacy_files import Record, read
from inspan.store.legacy_words import FIELDS, STATES, plain

T = TypeVar("T")

#: Who is named where a fact needs somebody.
_BY: Final = "import"
#: Notes beyond this number are only counted.
_NOTES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A task that another program knew. Times are seconds since the epoch, where they were told."""

    where: str  #: such as ``line 3``
    spec: TaskSpec
    state: TaskState
    old_id: str | None = None
    #: Old ids, all of them in the same data; ``changes`` turns them into ``spec.after``.
    after: tuple[str, ...] = ()
    reason: str = ""
    exit_code: int | None = None
    created_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of the data."""

    format: str
    tasks: int
    #: Their column → our field; ``label`` where it was kept as a label.
    columns: dict[str, str]
    #: Their word → our state.
    states: dict[str, str]
    #: Words that no state of ours is known for, and how many tasks had them; ``""`` for none.
    unknown: dict[str, int]
    #: What was understood only in part, in sentences.
    notes: tuple[str, ...] = ()
    #: Tables that do not look like tasks.
    left_out: tuple[str, ...] = ()


@dataclass(slots=True)
class _Findings:
    """The report while it is being made."""

    columns: dict[str, str] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def told(self) -> tuple[str, ...]:
        more = len(self.notes) - _NOTES
        return (*self.notes[:_NOTES], *([f"and {more} more notes"] if more > 0 else []))


def read_tasks(path: Path, defaults: TaskSpec) -> tuple[tuple[Imported, ...], Report]:
    """The tasks in a file of JSON, JSON lines, CSV or SQLite, and what was made of it.

    ``defaults`` gives what the data does not tell: the working folder, the environment.

    Raises:
        BadInput: the file is not valid; the line is named.
        CyclicPlan: tasks that have not ended wait for one another.
    """
    source = read(path)
    findings = _Findings()
    tasks = [_task(_Columns(record, findings), defaults, findings) for record in source.records]
    tasks = list(_linked(tasks, findings))
    report = Report(
        format=source.format,
        tasks=len(tasks),
        columns=findings.columns,
        states=findings.states,
        unknown=dict(findings.unknown),
        notes=findings.told(),
        left_out=source.left_out,
    )
    return tuple(tasks), report


class _Columns:
    """The columns of a record that nobody has taken yet."""

    def __init__(self, record: Record, findings: _Findings) -> None:
        self.where = record.where
        self._findings = findings
        self._left: dict[str, tuple[str, Any]] = {}
        self._refused: dict[str, str] = {}
        for name, value in record.values.items():
            if value is not None and value != "":
                word = plain(name)
                self._left[name if word in self._left else word] = (name, value)

    def take(self, ours: str, parse: Callable[[Any], T]) -> T | None:
        """The best column for our field that can be parsed; it is not left over then."""
        for word in FIELDS[ours]:
            if word in self._left:
                name, value = self._left[word]
                try:
                    found = parse(value)
                except (ValueError, TypeError, OverflowError):
                    self._refused[word] = ours
                    continue
                del self._left[word]
                self._findings.columns[name] = ours
                return found
        return None

    def rest(self) -> dict[str, str]:
        """What is left over, as labels."""
        for word, (name, value) in self._left.items():
            self._findings.columns.setdefault(name, "label")
            if word in self._refused:
                self._findings.notes.append(
                    f"{self.where}: {name} {_shown(value)} was not understood as "
                    f"{self._refused[word]} and is kept as a label"
                )
        return {name: values.text(value) for name, value in self._left.values()}


def _shown(value: Any) -> str:
    whole = repr(value)
    return whole if len(whole) <= 60 else f"{whole[:60]}…"


def _task(columns: _Columns, defaults: TaskSpec, findings: _Findings) -> Imported:
    old_id = columns.take("id", values.text)
    word = columns.take("state", values.text)
    ended_at = columns.take("ended_at", values.moment)
    started_at = columns.take("started_at", values.moment)
    created_at = columns.take("created_at", values.moment)
    done = columns.take("done", values.flag)
    exit_code = columns.take("exit_code", values.whole)
    after = columns.take("after", values.names) or ()
    reason = columns.take("reason", values.text) or ""
    state, why = _state(word, done, exit_code, findings)
    spec = _spec(columns, defaults)
    known = {"imported.id": old_id, "imported.state": word}
    labels = {name: value for name, value in known.items() if value is not None}
    return Imported(
        where=columns.where,
        spec=replace(spec, labels={**spec.labels, **columns.rest(), **labels}),
        state=state,
        old_id=old_id,
        after=after,
        reason="; ".join(filter(None, (why, reason))),
        exit_code=exit_code,
        created_at=created_at,
        started_at=started_at,
        ended_at=ended_at,
    )


def _state(
    word: str | None, done: bool | None, exit_code: int | None, findings: _Findings
) -> tuple[TaskState, str]:
    """Our state, and what to say where it is a guess."""
    if word is not None:
        state = STATES.get(plain(word.rpartition(".")[2]))
        if state is not None:
            findings.states[word] = state.value
            return state, ""
        findings.unknown[word] += 1
        return TaskState.INTERRUPTED, f"its state was {word!r} in the data it was imported from"
    if done is not None:
        return (TaskState.COMPLETED if done else TaskState.PENDING), ""
    if exit_code is not None:
        return (TaskState.COMPLETED if exit_code == 0 else TaskState.FAILED), ""
    findings.unknown[""] += 1
    return TaskState.INTERRUPTED, "the data it was imported from told no state"


def _spec(columns: _Columns, defaults: TaskSpec) -> TaskSpec:
    command = columns.take("command", values.command)
    # Beside a command the other texts only describe it, and are kept as labels.
    prompt = None if command else columns.take("prompt", values.text)
    timeout = columns.take("timeout", values.seconds)
    cwd = columns.take("cwd", values.text)
    told: dict[str, Any] = {
        "name": columns.take("name", values.text),
        "command": command,
        "prompt": prompt,
        "role": columns.take("role", values.text),
        "provider": columns.take("provider", values.text),
        "priority": columns.take("priority", values.priority),
        "not_before": columns.take("not_before", values.moment),
        "retries": columns.take("retries", values.count),
        "correlation": columns.take("correlation", values.text),
        "cwd": None if cwd is None else str(Path(defaults.cwd) / cwd),
        "patience": None if timeout is None else Patience(deadline=timeout),
    }
    env = columns.take("env", values.pairs) or {}
    labels = columns.take("labels", values.labels) or {}
    return replace(
        defaults,
        **{name: value for name, value in told.items() if value is not None},
        env={**defaults.env, **env},
        labels={**defaults.labels, **labels},
    )


def _linked(tasks: Sequence[Imported], findings: _Findings) -> Iterator[Imported]:
    """The tasks with links only to what is there; an unknown one is kept as a label."""
    seen: set[str] = set()
    for task in tasks:
        if task.old_id in seen:
            findings.notes.append(f"{task.where}: the id {task.old_id!r} is used before")
        elif task.old_id is not None:
            seen.add(task.old_id)
    open_links = {
        task.old_id: () if task.state in TERMINAL else [old for old in task.after if old in seen]
        for task in reversed(tasks)
        if task.old_id is not None
    }
    order(open_links)
    for task in tasks:
        missing = [old for old in task.after if old not in seen]
        if not missing:
            yield task
            continue
        findings.notes.append(f"{task.where}: it waits for what is not there: {_shown(missing)}")
        labels = {**task.spec.labels, "imported.after": ",".join(missing)}
        yield replace(
            task,
            after=tuple(old for old in task.after if old in seen),
            spec=replace(task.spec, labels=labels),
        )


def changes(
    tasks: Iterable[Imported], *, new_id: Callable[[float], str], first_seq: int, now: float
) -> tuple[Change, ...]:
    """What to commit: one change for each task, with the events that lead to its state.

    ``new_id`` makes an id from a time; ``now`` stands for times that were not told.
    """
    tasks = tuple(tasks)
    ids = [new_id(_created(task, now)) for task in tasks]
    new = {task.old_id: made for task, made in zip(reversed(tasks), reversed(ids), strict=True)}
    found = []
    seq = first_seq
    for task, made in zip(tasks, ids, strict=True):
        spec = replace(task.spec, after=tuple(new[old] for old in task.after))
        events: list[e.Event] = []
        projection: Task | None = None
        at = 0.0
        for then, fact in _life(task, made, spec, now):
            at = max(at, then)
            events.append(e.Event(seq, at, made, spec.correlation or made, fact))
            projection = apply(projection, events[-1])
            seq += 1
        assert projection is not None
        found.append(Change(events=tuple(events), tasks=(projection,), created=frozenset({made})))
    return tuple(found)


def _created(task: Imported, now: float) -> float:
    told = (task.created_at, task.started_at, task.ended_at)
    return min((each for each in told if each is not None), default=now)


_S = TaskState
#: States that are reached through an attempt.
_TRIED: Final = frozenset(
    {_S.RUNNING, _S.WAITING, _S.PROCESSING, _S.COMPLETED, _S.SUCCEEDED, _S.FAILED}
)
#: Of these, the ones whose process has ended.
_EXITED: Final = _TRIED - {_S.RUNNING, _S.WAITING}


def _life(task: Imported, made: str, spec: TaskSpec, now: float) -> Iterator[tuple[float, e.Fact]]:
    created = _created(task, now)
    began = created if task.started_at is None else task.started_at
    ended = began if task.ended_at is None else task.ended_at
    yield created, e.Submitted(spec)
    tried = task.state in _TRIED or (
        task.started_at is not None and task.state not in (_S.PENDING, _S.QUEUED)
    )
    if tried or task.state is _S.QUEUED:
        yield created, e.Readied()
    if tried:
        yield began, e.AttemptStarted(1, session_id(made, 1), _BY)
    if task.state in _EXITED:
        yield ended, e.Exited(1, _exit(task), 0)
    last = _last(task)
    if last is not None:
        yield ended, last


def _exit(task: Imported) -> Exit:
    """How it ended, as far as was told: an end that is good is code 0."""
    if task.exit_code is not None and task.exit_code < 0:
        return Exit(signal=-task.exit_code)  # as Python's subprocess tells a signal
    good = task.state in (_S.COMPLETED, _S.SUCCEEDED)
    return Exit(code=0 if good and task.exit_code is None else task.exit_code)


def _last(task: Imported) -> e.Fact | None:
    """The fact that leads into the state; ``None`` where it is reached already."""
    reason = Reason("imported", task.reason or f"it was {task.state} when it was imported")
    ends: dict[TaskState, e.Fact] = {
        _S.WAITING: e.NeedsInput(1, Needs("question", reason.message)),
        _S.COMPLETED: e.Completed(1),
        _S.SUCCEEDED: e.Accepted(1, _BY),
        _S.FAILED: e.Failed(1, reason),
        _S.ERROR: e.Errored(reason),
        _S.INTERRUPTED: e.Interrupted(reason),
        _S.CANCELLED: e.Cancelled(reason),
    }
    return ends.get(task.state)
