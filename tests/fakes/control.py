"""Control in memory: states move by the one lifecycle, and processes do what the test says."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cached_property

import anyio
import anyio.lowlevel

from inspan.clock import SystemClock
from inspan.control import (
    Code,
    EventQuery,
    Health,
    Process,
    Pruned,
    PrunePolicy,
    SearchQuery,
    TaskPage,
    TaskQuery,
)
from inspan.engine.code.ports import CodePorts
from inspan.engine.code.verbs import CodeVerbs
from inspan.errors import (
    AmbiguousId,
    BadInput,
    Conflict,
    FellBehind,
    IllegalTransition,
    KeyReused,
    NothingToDecide,
    SessionNotFound,
    TaskNotFound,
    WriterTaken,
)
from inspan.model import event as e
from inspan.model.activity import Activity, Doing, Source
from inspan.model.budget import Budget
from inspan.model.goal import GoalPlan, checked
from inspan.model.ids import session_id, ulid
from inspan.model.lifecycle import apply
from inspan.model.merging import MergeRequest, MergeResult
from inspan.model.metrics import Metrics, MetricsQuery
from inspan.model.place import Place, SweepPolicy, Swept
from inspan.model.receipt import Receipt, Stage, Way
from inspan.model.session import Answers, Chunk, Ended, Frame, Gap, Hits, Times
from inspan.model.task import (
    ACTIVE,
    GOOD,
    TERMINAL,
    Exit,
    Handover,
    Needs,
    Reason,
    StopKind,
    Task,
    TaskSpec,
    TaskState,
    Verdict,
)
from inspan.store.memory import MemoryStore, fits
from inspan.store.transcripts import MemoryTranscripts
from tests.fakes import places
from tests.fakes.code import FakeCodeProvider
from tests.fakes.metrics import counted
from tests.fakes.terminal import FakeSession, FakeTerminal, News
from tests.fakes.web import FakeWeb


class FakeControl:
    """``control.Control``. ``start``, ``prints``, ``asks`` and ``ends`` are the test's hand."""

    def __init__(self, *, backlog: int = 1000) -> None:
        self.tasks: dict[str, Task] = {}
        self.events: list[e.Event] = []
        self.sessions: dict[str, FakeSession] = {}
        self.diffs: dict[str, str] = {}
        #: What lies in the folder of workspaces, by task.
        self.places: dict[str, Place] = {}
        #: By task and key: what was said, and its receipt.
        self.prompts: dict[tuple[str, str], tuple[str, Receipt]] = {}
        #: How many watches are open.
        self.watching = 0
        self._keys: dict[str, tuple[tuple[TaskSpec, ...], tuple[str, ...]]] = {}
        self._backlog = backlog
        self._newest = 0.0
        self._news = News()
        #: The world behind ``code``.
        self.workers = FakeCodeProvider()
        #: What tasks do, by id; of no other it is known.
        self.doing: dict[str, Activity] = {}
        self._errands: set[asyncio.Future[None]] = set()

    @cached_property
    def code(self) -> Code:
        """Code sessions: the engine's own verbs, over a world in memory."""
        ports = CodePorts(
            store=MemoryStore(),
            provider=self.workers,
            transcripts=MemoryTranscripts(),
            web=FakeWeb(),
            clock=SystemClock(),
        )
        return CodeVerbs(ports, self._spawn, self)

    def _spawn(self, work: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.ensure_future(work())
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    # ── the test's hand ───────────────────────────────────────────────────────

    def start(self, ref: str) -> Task:
        """An attempt of a queued task begins."""
        task = self._find(ref)
        name = session_id(task.id, task.attempt)
        self.sessions[name] = FakeSession()
        self._record(task.id, e.AttemptStarted(task.attempt, name, "fake-keeper"))
        return self._record(task.id, e.Spawned(task.attempt, 4321))

    async def submit_running(self) -> Task:
        """A task that runs."""
        return self.start((await self.submit(TaskSpec(command=("work",), cwd="/"))).id)

    def prints(self, ref: str, data: bytes, *, stream: str = "out") -> None:
        """Its process prints."""
        session = self._session(ref)
        if stream == "err":
            session.errors.append((len(session.data), len(session.data) + len(data)))
        session.data += data
        session.news.tell()

    def cuts(self, ref: str, start: int, end: int) -> None:
        """The cap frees the middle of its recording."""
        self._session(ref).gap = Gap(start, end)

    def asks(self, ref: str, question: str) -> Task:
        """Its process waits for a person."""
        task, needs = self._find(ref), Needs("question", question)
        self.doing[task.id] = Activity(
            Doing.WAITING, self._moment(), Source.PROTOCOL, "announced", question, needs=needs
        )
        return self._record(task.id, e.NeedsInput(task.attempt, needs))

    def ends(self, ref: str, code: int = 0) -> Task:
        """Its process ends, and so does the task unless it is to be reviewed."""
        task = self._find(ref)
        size = self._close(task, Exit(code))
        task = self._record(task.id, e.Exited(task.attempt, Exit(code), size))
        if code:
            why = Reason("exit", f"it ended with {code}")
            task = self._record(task.id, e.Failed(task.attempt, why))
        elif not task.spec.review:
            task = self._record(task.id, e.Completed(task.attempt))
        self._promote()
        return task

    # ── tasks ─────────────────────────────────────────────────────────────────

    async def submit(self, spec: TaskSpec, *, key: str | None = None) -> Task:
        return (await self.submit_all((spec,), key=key))[0]

    async def submit_all(
        self, specs: Sequence[TaskSpec], *, key: str | None = None
    ) -> tuple[Task, ...]:
        await anyio.lowlevel.checkpoint()  # a store would take a moment too
        asked = tuple(specs)
        if not asked:
            raise BadInput("nothing was submitted")
        if key in self._keys:
            known, ids = self._keys[key]
            if known != asked:
                raise KeyReused
            return tuple(self.tasks[one] for one in ids)
        ids = tuple(self._new_id() for _ in asked)
        ready = [replace(spec, after=self._after(spec.after, ids)) for spec in asked]
        for one, spec in zip(ids, ready, strict=True):
            self._record(one, e.Submitted(spec), correlation=spec.correlation or one)
        if key is not None:
            self._keys[key] = (asked, ids)
        self._promote()
        return tuple(self.tasks[one] for one in ids)

    async def get(self, task: str) -> Task:
        return self._find(task)

    async def list(self, query: TaskQuery = TaskQuery()) -> TaskPage:
        found = sorted(self.tasks.values(), key=lambda one: one.id, reverse=True)
        before = query.before
        wanted = [one for one in found if fits(one, query) and (not before or one.id < before)]
        page = tuple(wanted[: query.limit])
        counts = Counter(task.state.value for task in self.tasks.values())
        more = page[-1].id if len(wanted) > len(page) else None
        told = {task.id: self.doing[task.id] for task in page if task.id in self.doing}
        return TaskPage(page, more, dict(counts), told)

    async def activity(self, task: str) -> Activity:
        found = self._find(task)
        self._alive(found)
        return self.doing.get(found.id) or Activity(Doing.UNKNOWN, self._moment())

    async def history(self, query: EventQuery = EventQuery()) -> tuple[e.Event, ...]:
        wanted = None if query.task is None else self._find(query.task).id
        found = [
            event
            for event in self.events[query.since :]
            if wanted in (None, event.task) and query.correlation in (None, event.correlation)
        ]
        return tuple(found[: query.limit])

    async def watch(
        self, since: int | None = None, *, task: str | None = None
    ) -> AsyncGenerator[e.Event, None]:
        wanted = None if task is None else self._find(task).id
        at = len(self.events) if since is None else since
        live = since is None
        self.watching += 1
        try:
            while True:
                if live and len(self.events) - at > self._backlog:
                    raise FellBehind
                if at < len(self.events):
                    at += 1
                    if wanted in (None, self.events[at - 1].task):
                        yield self.events[at - 1]
                else:
                    live = True
                    await self._news.wait()
        finally:
            self.watching -= 1

    # ── steering ──────────────────────────────────────────────────────────────

    async def send(self, task: str, data: bytes) -> Stage:
        self._alive(self._find(task))
        self._session(task).typed += data
        return Stage.WRITTEN

    async def prompt(
        self, task: str, text: str, *, key: str | None = None, wait: float = 0.0
    ) -> Receipt:
        found = self._find(task)
        if not text.strip():
            raise BadInput("there is nothing to say")
        key = key or f"made-up-{len(self.prompts)}-{wait:g}"
        known = self.prompts.get((found.id, key))
        if known is not None:
            if known[0] != text:
                raise KeyReused("the key was used for another prompt")
            return known[1]
        self._alive(found)
        self._session(task).typed += text.encode() + b"\r"
        receipt = Receipt(key=key, way=Way.TYPED, stage=Stage.WRITTEN, at=1.0)
        self.prompts[found.id, key] = (text, receipt)
        return receipt

    async def answer(self, task: str, text: str, *, question: str | None = None) -> Task:
        found = self._find(task)
        if found.state is not TaskState.WAITING:
            raise IllegalTransition(f"the task is {found.state}: it asks nothing")
        if found.needs is not None and question not in (None, found.needs.id):
            raise Conflict("it no longer asks that")
        self._session(task).typed += text.encode() + b"\n"
        self.doing.pop(found.id, None)
        return self._record(found.id, e.Answered(found.attempt))

    async def interrupt(
        self, task: str, *, reason: str = "", by: str = "person", force: bool = False
    ) -> Task:
        why = reason or ("at once" if force else "asked")
        return self._stop(task, StopKind.INTERRUPT, why, by)

    async def resume(
        self, task: str, *, budget: Budget | None = None, to: Handover | None = None
    ) -> Task:
        found = self._find(task)
        if to is None:
            return self._record(found.id, e.Resumed("person", budget))
        if found.state in ACTIVE:
            raise IllegalTransition("its agent is at work on it")
        raise BadInput("only an agent's task is handed over, and this has none")

    async def cancel(self, task: str, *, reason: str = "", force: bool = False) -> Task:
        return self._stop(task, StopKind.CANCEL, reason or ("at once" if force else "asked"))

    async def decide(
        self, task: str, verdict: Verdict, findings: Sequence[str] = (), *, by: str = "person"
    ) -> Task:
        found = self._find(task)
        told = tuple(findings)
        if not found.done and found.state is not TaskState.PROCESSING:
            raise IllegalTransition(f"the task is {found.state}: there is no result yet")
        if verdict is Verdict.SEND_BACK and not told:
            raise NothingToDecide("sending back needs a finding")
        if found.done:
            judged = self._record(found.id, e.Judged(verdict, by, told))
            again = verdict is Verdict.SEND_BACK
            return await self.submit(replace(found.spec, findings=told)) if again else judged
        facts: dict[Verdict, e.Fact] = {
            Verdict.ACCEPT: e.Accepted(found.attempt, by),
            Verdict.REJECT: e.Rejected(found.attempt, by, told),
            Verdict.SEND_BACK: e.SentBack(found.attempt, by, told),
        }
        return self._record(found.id, facts[verdict])

    async def diff(self, task: str) -> str:
        found = self._find(task)
        if found.id not in self.diffs:
            raise NothingToDecide(f"task {found.id} did not run in a worktree")
        return self.diffs[found.id]

    async def replan(self, task: str, plan: GoalPlan, *, version: int, by: str = "person") -> Task:
        return self._record(self._find(task).id, e.Planned(version + 1, checked(plan), by))

    # ── sessions and service ──────────────────────────────────────────────────

    async def read(self, session: str, offset: int = 0, limit: int = 1 << 16) -> tuple[Chunk, ...]:
        return self._session(session).chunks(offset, limit)

    async def times(
        self, session: str, offset: int = 0, until: int | None = None, most: int = 1000
    ) -> Times:
        if offset < 0 or most < 2 or (until is not None and until < offset):
            raise BadInput("an offset is 0 or more, and marks are 2 or more")
        return self._session(session).times(offset, until)

    async def frame(self, session: str, offset: int = 0) -> Frame:
        if offset < 0:
            raise BadInput("an offset is 0 or more")
        return self._session(session).frame()

    async def search(self, query: SearchQuery) -> Hits:
        if not query.text.strip() or "\n" in query.text:
            raise BadInput("text: a line, or a part of one")
        names = sorted(self.sessions, reverse=True)
        if query.task in self.sessions:
            names = [str(query.task)]
        elif query.task is not None:
            task = self._find(query.task).id
            names = [name for name in names if name.startswith(task)]
        if query.after is not None and not query.after.isdecimal():
            raise BadInput("after: that is not where a page ended")
        hits = [
            hit for name in names for hit in self.sessions[name].lines(name, query.text, query.case)
        ]
        start = int(query.after or 0)
        end = start + query.limit
        return Hits(tuple(hits[start:end]), str(end) if end < len(hits) else None)

    @asynccontextmanager
    async def attach(
        self,
        session: str,
        *,
        offset: int = 0,
        writer: bool = False,
        steal: bool = False,
        answers: Answers = Answers.NONE,
    ) -> AsyncIterator[FakeTerminal]:
        found = self._session(session)
        terminal = FakeTerminal(found, offset)
        if writer:
            if found.writer is not None and not steal:
                raise WriterTaken
            found.writer = terminal
            begins = {Answers.NEW: len(found.data), Answers.DUE: offset}
            terminal.answers_from = begins.get(answers)
        try:
            yield terminal
        finally:
            if found.writer is terminal:
                found.writer = None

    async def health(self) -> Health:
        return Health(
            daemon=Process(os.getpid(), "fake", 0.0, 1 << 20),
            keeper=None,
            state_dir="/nowhere",
            socket="/nowhere/daemon.sock",
            sqlite="none",
            python="3",
            sessions=len(self.sessions),
            counts=(await self.list()).counts,
            warnings=("this is a fake",),
        )

    async def metrics(self, query: MetricsQuery = MetricsQuery()) -> Metrics:
        return counted(self.tasks.values(), self.events, query)

    async def prune(self, policy: PrunePolicy) -> Pruned:
        gone = [task for task in self.tasks.values() if task.done]
        if not policy.dry_run:
            for task in gone:
                del self.tasks[task.id]
        return Pruned(len(gone), 0)

    async def workspaces(self) -> tuple[Place, ...]:
        return tuple(self.places.values())

    async def restore_workspace(self, task: str) -> Place:
        return places.restored(self.places, task)

    async def sweep(self, policy: SweepPolicy) -> tuple[Swept, ...]:
        return places.swept(self.places, policy)

    async def merge(self, task: str, asked: MergeRequest) -> MergeResult:
        return places.merged(self._find(task), asked)

    # ── inside ────────────────────────────────────────────────────────────────

    def _record(self, task: str, fact: e.Fact, *, correlation: str = "") -> Task:
        known = self.tasks.get(task)
        correlation = known.correlation if known else correlation
        event = e.Event(len(self.events) + 1, self._moment(), task, correlation, fact)
        self.tasks[task] = apply(known, event)
        self.events.append(event)
        self._news.tell()
        return self.tasks[task]

    def _moment(self) -> float:
        """The time of what happens now."""
        return time.time()

    def _new_id(self) -> str:
        """Later ones are greater, also within a millisecond."""
        self._newest = max(time.time(), self._newest + 0.001)
        return ulid(self._newest, os.urandom(10))

    def _find(self, ref: str) -> Task:
        if ref == "last" and self.tasks:
            return self.tasks[max(self.tasks)]
        named = [one for one, task in self.tasks.items() if ref and task.spec.name == ref]
        if named:
            return self.tasks[max(named)]
        long = len(ref) >= 4
        ids = [one for one in self.tasks if long and (one.startswith(ref) or one.endswith(ref))]
        if not ids:
            raise TaskNotFound(f"no task has an id like {ref!r}")
        if len(ids) > 1:
            raise AmbiguousId(f"{ref!r} fits {', '.join(ids)}")
        return self.tasks[ids[0]]

    def _session(self, ref: str) -> FakeSession:
        if ref in self.sessions:
            return self.sessions[ref]
        task = self._find(ref.partition("-")[0])
        if task.session is None or "-" in ref:
            raise SessionNotFound(f"task {task.id} has no such session")
        return self.sessions[task.session]

    def _after(self, after: tuple[str, ...], ids: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(
            ids[int(ref[1:])] if ref.startswith("@") else self._find(ref).id for ref in after
        )

    def _promote(self) -> None:
        for task in tuple(self.tasks.values()):
            links = [self.tasks[one].state for one in task.spec.after]
            if task.state is TaskState.PENDING and all(state in GOOD for state in links):
                self._record(task.id, e.Readied())
            elif task.state is TaskState.PENDING and any(s in TERMINAL - GOOD for s in links):
                why = Reason("dependency", "a task that it waits for did not end well")
                self._record(task.id, e.Cancelled(why))

    def _alive(self, task: Task) -> None:
        if task.state not in (TaskState.RUNNING, TaskState.WAITING):
            raise IllegalTransition(f"the task is {task.state}: nothing of it runs")

    def _close(self, task: Task, how: Exit | None) -> int:
        if task.session is None or self.sessions[task.session].ended is not None:
            return 0
        session = self.sessions[task.session]
        session.ended = Ended(len(session.data), how)
        session.news.tell()
        return len(session.data)

    def _stop(self, ref: str, kind: StopKind, reason: str, by: str = "person") -> Task:
        task = self._find(ref)
        self._record(task.id, e.StopRequested(kind, by, reason))
        why = Reason(kind.value, reason)
        ended = e.Interrupted(why) if kind is StopKind.INTERRUPT else e.Cancelled(why)
        task = self._record(task.id, ended)
        self._close(task, Exit(signal=2))
        return task
