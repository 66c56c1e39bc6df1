"""A task's events as spans: pure, and the same however often and in how many pieces they are told.

A task is a span; its waits, its queue and its attempts are below it, and below an attempt are the
questions that waited for a person, its checks and its review. A span is told with the event that
ends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from inspan.model import event as e
from inspan.model import trace
from inspan.model.agent import UNUSED, is_agent
from inspan.model.lifecycle import apply
from inspan.model.task import ACTIVE, Exit, Reason, Task, TaskState
from inspan.model.value import field, named_value
from inspan.terminal.sanitize import one_line

Attribute: TypeAlias = str | int | float | bool
#: The longest text of an attribute, in columns.
_WIDTH: Final = 200
_S: Final = TaskState
_VERDICTS: Final = (e.Accepted, e.Rejected, e.SentBack)


@named_value
class Span:
    """One that is over. Times are seconds since the epoch."""

    name: str
    place: trace.Place
    #: The span above it; of a task that of whoever submitted it, if that is known.
    parent: str | None
    start: float
    end: float
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    #: Why it failed; ``None``: it did not.
    error: str | None = None
    #: Other tasks that it has to do with: in which way, and their spans.
    links: tuple[tuple[str, trace.Place], ...] = ()


@named_value
class _Open:
    name: str
    id: str
    parent: str
    start: float


class Story:
    """One task's, told event by event."""

    def __init__(self, others: Mapping[str, trace.Place] | None = None) -> None:
        """``others``: where other tasks are; for any other that follows from its id."""
        self.task: Task | None = None
        #: The number of the last event that was told.
        self.seq = 0
        self._others = others or {}
        self._root = trace.Place("", "")
        #: The span of whoever submitted it.
        self._above: str | None = None
        #: What is open, by what it is; in each there is one at most.
        self._open: dict[str, _Open] = {}
        #: When the last part of what follows a process's end began.
        self._mark = 0.0
        self._kind = ""

    def tell(self, event: e.Event) -> list[Span]:
        """The spans that end with ``event``. Raises IllegalTransition for what cannot follow."""
        before, after = self.task, apply(self.task, event)
        self.task, self.seq = after, event.seq
        if before is None:
            # What a handover changes later counts for its process alone.
            self._root = trace.root(after.id, after.spec.env)
            submitter = trace.place(after.spec.env.get(trace.VARIABLE, ""))
            self._above = submitter.span if submitter else None
            self._begin("task", after, event.at)
            self._enter(after, event)
            return []
        ended = [*self._within(before, event)]
        if before.state is not after.state:
            ended += self._leave(before, after, event)
            self._enter(after, event)
        elif isinstance(event.fact, e.NeedsInput):
            ended += self._question(event.at)
            self._ask(after, event)
        return ended

    # ── what begins ───────────────────────────────────────────────────────────

    def _enter(self, task: Task, event: e.Event) -> None:
        match task.state:
            case _S.PENDING:
                parked = isinstance(event.fact, e.Parked)
                self._begin("parked" if parked else "pending", task, event.at, str(event.seq))
            case _S.QUEUED:
                retried = isinstance(event.fact, e.Retried) and event.fact.wake_at > event.at
                self._begin("backoff" if retried else "queue", task, event.at, str(event.seq))
            case _S.RUNNING if isinstance(event.fact, e.AttemptStarted):
                self._begin("attempt", task, event.at, str(task.attempt))
            case _S.WAITING:
                self._ask(task, event)
            case _S.PROCESSING:
                self._mark = event.at

    def _ask(self, task: Task, event: e.Event) -> None:
        self._kind = task.needs.kind if task.needs else ""
        self._begin("question", task, event.at, str(event.seq))

    def _begin(self, name: str, task: Task, at: float, *more: str) -> None:
        above = "attempt" if name == "question" else "task"
        parent = self._open[above].id if above in self._open else self._root.span
        self._open[name] = _Open(
            name=name, id=trace.span(task.id, name, *more), parent=parent, start=at
        )

    # ── what ends ─────────────────────────────────────────────────────────────

    def _within(self, before: Task, event: e.Event) -> Iterable[Span]:
        """What follows the end of a process, one after another."""
        fact = event.fact
        if isinstance(fact, e.SetupStarted):
            self._mark = event.at
        elif isinstance(fact, e.SetupDone | e.SetupFailed):
            how = fact.exit if isinstance(fact, e.SetupFailed) else Exit(0)
            index = fact.session.rpartition("-s")[2]
            yield self._part(
                "setup", before, event.at, index, {"inspan.session": fact.session}, how
            )
        elif isinstance(fact, e.CheckEnded):
            index = str(len(before.checks))
            attributes: dict[str, Attribute] = {"inspan.session": fact.session}
            yield self._part("check", before, event.at, index, attributes, fact.exit)
        elif isinstance(fact, _VERDICTS) and before.state is _S.PROCESSING:
            yield self._part("review", before, event.at, "", {"inspan.by": _short(fact.by)})

    def _part(
        self,
        name: str,
        task: Task,
        at: float,
        index: str,
        attributes: dict[str, Attribute],
        how: Exit | None = None,
    ) -> Span:
        ident = trace.span(task.id, name, str(task.attempt), index)
        attempt = self._open.get("attempt")
        part = _Open(
            name=name,
            id=ident,
            parent=attempt.id if attempt else self._root.span,
            start=self._mark,
        )
        self._mark = at
        error = None if how is None or how.ok else f"it ended with {how.status}"
        return self._span(part, at, attributes | _exit(how), error)

    def _leave(self, before: Task, after: Task, event: e.Event) -> Iterable[Span]:
        at = event.at
        if before.state is _S.WAITING:
            yield from self._question(at)
        yield from self._waited(before, at)
        if before.state in ACTIVE and after.state not in ACTIVE and "attempt" in self._open:
            why = after.reason if _failed(event.fact, after) else None
            attributes = _of_attempt(before) | _error(why)
            yield self._span(self._open.pop("attempt"), at, attributes, _words(why))
        if after.done:
            yield self._whole(after, at)

    def _question(self, at: float) -> Iterable[Span]:
        question = self._open.pop("question", None)
        if question is not None:
            yield self._span(question, at, {"inspan.question.kind": self._kind})

    def _waited(self, before: Task, at: float) -> Iterable[Span]:
        for name in ("pending", "parked", "queue"):
            wait = self._open.pop(name, None)
            # Most tasks wait for nothing, and are queued with the very fact that they are there.
            if wait is not None and (name == "queue" or at > wait.start):
                yield self._span(wait, at, _reason(before))
        backoff = self._open.pop("backoff", None)
        if backoff is not None:
            until = min(at, before.wake_at or at)
            yield self._span(backoff, until, _reason(before))
            if at > until:
                words = (str(before.attempt), "after")
                queue = trace.span(before.id, "queue", *words)
                rest = _Open(name="queue", id=queue, parent=backoff.parent, start=until)
                yield self._span(rest, at, {})

    def _whole(self, task: Task, at: float) -> Span:
        failed = task.state in (_S.FAILED, _S.ERROR)
        why = task.reason if failed else None
        whole = self._open.pop("task")
        self._open.clear()
        return Span(
            name="task",
            place=self._root,
            parent=self._above,
            start=whole.start,
            end=max(whole.start, at),
            attributes=_of_task(task) | _error(why),
            error=_words(why),
            links=self._links(task),
        )

    def _links(self, task: Task) -> tuple[tuple[str, trace.Place], ...]:
        return tuple(
            (how, self._others.get(other) or trace.root(other, {})) for how, other in related(task)
        )

    def _span(
        self, part: _Open, at: float, attributes: Mapping[str, Attribute], error: str | None = None
    ) -> Span:
        return Span(
            name=part.name,
            place=trace.Place(self._root.trace, part.id, self._root.sampled),
            parent=part.parent,
            start=part.start,
            # A clock that is set back makes nothing end before it began.
            end=max(part.start, at),
            attributes=attributes,
            error=error,
        )


def spans(
    events: Iterable[e.Event], others: Mapping[str, trace.Place] | None = None
) -> tuple[Span, ...]:
    """Those of one task that are over after all of ``events``."""
    story = Story(others)
    return tuple(span for event in events for span in story.tell(event))


def related(task: Task) -> tuple[tuple[str, str], ...]:
    """Other tasks that it has to do with: in which way, and their ids."""
    spec = task.spec
    found = [("after", other) for other in spec.after]
    found += [("continues", spec.continues)] if spec.continues else []
    if trace.is_task(task.correlation) and task.correlation != task.id:
        found.append(("correlation", task.correlation))
    return tuple(found)


# ── attributes: those of OpenTelemetry's conventions where there are any ──────


def _of_task(task: Task) -> dict[str, Attribute]:
    return {
        "inspan.task.id": task.id,
        "inspan.task.name": _short(task.spec.name),
        "inspan.task.state": task.state.value,
        "inspan.task.attempts": task.attempt,
        "inspan.role": _short(task.spec.role),
        "inspan.provider": _short(task.spec.provider),
    }


def _of_attempt(task: Task) -> dict[str, Attribute]:
    told: dict[str, Attribute] = {
        "inspan.task.id": task.id,
        "inspan.attempt": task.attempt,
        "inspan.session": task.session or "",
        "inspan.output.bytes": task.output_bytes,
    }
    return told | _exit(task.exit) | (_of_agent(task) if is_agent(task.spec.provider) else {})


def _of_agent(task: Task) -> dict[str, Attribute]:
    told: dict[str, Attribute] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": _short(task.spec.provider),
    }
    if task.agent is not None:
        told["gen_ai.conversation.id"] = _short(task.agent.id)
        if task.agent.model:
            told["gen_ai.response.model"] = _short(task.agent.model)
    if task.usage != UNUSED:
        told["gen_ai.usage.input_tokens"] = task.usage.read
        told["gen_ai.usage.cache_read.input_tokens"] = task.usage.cached
        told["gen_ai.usage.output_tokens"] = task.usage.written
    if task.usage.cost is not None:
        told["inspan.usage.cost_usd"] = task.usage.cost
    return told


def _exit(how: Exit | None) -> dict[str, Attribute]:
    if how is None:
        return {}
    if how.code is not None:
        return {"process.exit.code": how.code}
    return {"inspan.exit.signal": how.signal or 0}


def _reason(task: Task) -> dict[str, Attribute]:
    return {"inspan.reason": task.reason.code} if task.reason else {}


def _error(why: Reason | None) -> dict[str, Attribute]:
    return {"error.type": why.code} if why else {}


def _words(why: Reason | None) -> str | None:
    return one_line(why.message, _WIDTH) if why else None


def _failed(fact: e.Fact, after: Task) -> bool:
    """Whether an attempt that ends with ``fact`` has failed; what a person stopped has not."""
    if isinstance(fact, e.Interrupted):
        return after.stop is None
    return isinstance(fact, e.Failed | e.Retried | e.Parked | e.Errored | e.Rejected)


def _short(text: str) -> str:
    return one_line(text, _WIDTH)
