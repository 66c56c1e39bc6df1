"""The engine: Control, in process. It joins the parts of this room and owns every attempt.

Intentions come in as verbs and go to the ledger as facts; the dispatcher gives slots to tasks that
are ready; each attempt runs under the engine's own task group. It never touches a process, a file
or a database itself: those are ports, handed in by ``app``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import replace
from functools import cached_property, partial
from typing import Final

import anyio

from inspan.control import (
    EventQuery,
    Health,
    Pruned,
    PrunePolicy,
    SearchQuery,
    TaskPage,
    TaskQuery,
    Terminal,
)
from inspan.engine.activities import activity_of, known_of
from inspan.engine.aftermath import Aftermath
from inspan.engine.attempt import Attempt
from inspan.engine.budgets import check_budget
from inspan.engine.code.ports import CodePorts
from inspan.engine.code.verbs import CodeVerbs
from inspan.engine.deciding import Deciding
from inspan.engine.dispatcher import Dispatcher, Roles
from inspan.engine.following import at_rest
from inspan.engine.handover import Handovers
from inspan.engine.intake import Intake
from inspan.engine.ledger import Ledger
from inspan.engine.limits import LimitRules, new_budget
from inspan.engine.means import Means
from inspan.engine.memory import Memory
from inspan.engine.orders import provider_of
from inspan.engine.patrol import Patrol
from inspan.engine.ports import Ports
from inspan.engine.pruning import prune
from inspan.engine.receipts import Receipts
from inspan.engine.recovery import recover
from inspan.engine.references import References
from inspan.engine.rules import Rules
from inspan.engine.sessions import Sessions
from inspan.engine.starting import Starting
from inspan.engine.sweeping import Sweeping
from inspan.errors import Conflict, IllegalTransition, InputFull, TaskNotFound
from inspan.model import event as e
from inspan.model.activity import Activity
from inspan.model.budget import Budget
from inspan.model.event import Event
from inspan.model.goal import GoalPlan, checked
from inspan.model.ids import CODE_RUN, SESSION_ID, task_of
from inspan.model.merging import MergeRequest, MergeResult
from inspan.model.metrics import Metrics, MetricsQuery
from inspan.model.place import Place, SweepPolicy, Swept
from inspan.model.receipt import Receipt, Stage
from inspan.model.session import Answers, Chunk, Frame, Hits, Times
from inspan.model.task import (
    ACTIVE,
    Handover,
    Reason,
    StopKind,
    Task,
    TaskSpec,
    TaskState,
    Verdict,
)

log = logging.getLogger(__name__)


class _Left(Exception):  # noqa: N818 - no error
    """The block was left: what runs under the engine's roof is to end."""


class Engine:
    """Control over one store. ``async with engine.running():`` makes it work."""

    def __init__(self, ports: Ports, code: CodePorts, rules: Rules | None = None) -> None:
        rules = rules or Rules()
        #: The verbs of code sessions.
        self.code: Final = CodeVerbs(code, self._spawn, self)
        self._ports = ports
        self._rules = rules
        self._ledger = Ledger(ports.store, ports.clock, ports.monitor)
        self._patrol = Patrol(ports.clock)
        self._refs = References(ports.store, self._ledger)
        self._dispatcher = Dispatcher(
            self._ledger,
            ports.clock,
            Roles(rules.roles, rules.default_slots),
            rules.providers,
            Memory(ports.clock, ports.memory, rules.memory),
        )
        self._starting = Starting(
            self._dispatcher, ports.keep, self._launch_started, lambda: self._group is not None
        )
        self._ledger.on_created = self._starting.stored
        self._ledger.on_orphaned = self._dispatcher.look_at
        self._intake = Intake(ports, rules, self._ledger, self._refs, self._starting)
        self._sessions = Sessions(ports.recordings, self._refs, self._run_of)
        self._deciding = Deciding(ports.workspaces, self._ledger, self._intake)
        self._sweeping = Sweeping(ports, self._ledger, self._refs)
        self._handovers = Handovers(ports.providers, ports.store, ports.workspaces, self._intake)
        self._attempts: dict[str, Attempt] = {}
        self._group: asyncio.TaskGroup | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Engine]:
        """Recover what an earlier engine left, then dispatch, until the block is left.

        Leaving it leaves processes alone: the keeper has them, and the next engine adopts them.
        """
        trouble: Exception | None = None
        try:
            # Not anyio's: its tasks cost four times as much, and each attempt is one.
            async with asyncio.TaskGroup() as group:
                self._group = group
                for task in await self._ledger.load():
                    await self._dispatcher.admit(task)
                self._dispatcher.crowding.recall(await self._ledger.overloads())
                await self.code.load()
                for task, begin in recover(self._ledger.open.values()):
                    self._dispatcher.hold(task)
                    self._launch(task, begin)
                group.create_task(self._guard("sweep", self._sweep))
                group.create_task(self._patrol.walk())
                group.create_task(self._dispatcher.run(self._launch))
                try:
                    yield self
                except Exception as error:  # noqa: BLE001 - raised below, not wrapped in a group
                    trouble = error
                finally:
                    with anyio.CancelScope(shield=True):
                        await self.code.abandon()
                    self._group = None  # one that ends takes nothing new
                raise _Left  # noqa: TRY301 - the documented way to end a group
        except* _Left:
            log.debug("the engine has stopped")
        if trouble is not None:
            raise trouble

    # ── tasks ────────────────────────────────────────────────────────────────

    async def submit(self, spec: TaskSpec, *, key: str | None = None) -> Task:
        return (await self.submit_all((spec,), key=key))[0]

    async def submit_all(
        self, specs: Sequence[TaskSpec], *, key: str | None = None
    ) -> tuple[Task, ...]:
        accepted = await self._intake.accept(specs, key)
        if not accepted.new:
            return accepted.tasks
        return await self._dispatcher.admit_all(accepted.tasks)

    async def get(self, task: str) -> Task:
        return await self._refs.task(task)

    async def list(self, query: TaskQuery = TaskQuery()) -> TaskPage:
        page = await self._ports.store.list(query)
        return replace(page, activities=known_of(self._attempts, page.tasks, self._ports.clock))

    async def activity(self, task: str) -> Activity:
        return await activity_of(self._live(await self._refs.task(task)), self._ports.clock)

    async def history(self, query: EventQuery = EventQuery()) -> tuple[Event, ...]:
        if query.task is not None:
            query = await self._refs.query(query)
        return await self._ports.store.history(query)

    def watch(
        self, since: int | None = None, *, task: str | None = None
    ) -> AsyncGenerator[Event, None]:
        return self._ledger.bus.follow(since) if task is None else self._watch_one(since, task)

    # ── steering ─────────────────────────────────────────────────────────────

    async def send(self, task: str, data: bytes) -> Stage:
        run = self._live(await self._refs.task(task)).run
        if run is None:
            raise InputFull("the program is not there yet, or its checks are running")
        await run.write(data)
        return Stage.WRITTEN

    async def prompt(
        self, task: str, text: str, *, key: str | None = None, wait: float = 0.0
    ) -> Receipt:
        found = await self._refs.task(task)
        attempt = self._attempts.get(found.id)
        if attempt is None:
            known = Receipts(self._ledger, self._ports.clock, self._spawn, found.id)
            return await known.prompt(None, text, key, wait)
        return await attempt.minder.receipts.prompt(attempt.run, text, key, wait)

    async def answer(self, task: str, text: str, *, question: str | None = None) -> Task:
        found = await self._refs.task(task)
        if found.state is not TaskState.WAITING:
            # What a program asks that is no agent is seen by who looks, and waited for by nobody.
            sent = "`inspan send ID TEXT` hands it a line, or a prompt."
            hint = sent if found.state is TaskState.RUNNING else None
            raise IllegalTransition(f"the task is {found.state}: it asks nothing", hint=hint)
        attempt = self._live(found)
        run = attempt.run
        if run is None and attempt.minder.met.is_set():
            raise IllegalTransition("its process has just ended: it asks nothing any more")
        if run is None or found.needs is None:
            raise InputFull("the program is not there yet, or its checks are running")
        if question not in (None, found.needs.id):
            raise Conflict("it no longer asks that", hint="`inspan show ID` tells what it asks.")
        await run.answer(found.needs, text)
        await attempt.minder.answered(found.needs)
        return await self._ledger.get(found.id)

    async def interrupt(
        self, task: str, *, reason: str = "", by: str = "person", force: bool = False
    ) -> Task:
        return await self._stop(task, StopKind.INTERRUPT, reason, by, force=force)

    async def cancel(self, task: str, *, reason: str = "", force: bool = False) -> Task:
        return await self._stop(task, StopKind.CANCEL, reason, force=force)

    async def resume(
        self, task: str, *, budget: Budget | None = None, to: Handover | None = None
    ) -> Task:
        found = await self._refs.task(task)
        if to is not None:
            self._handovers.refuse_at_work(found, to)
        # What is at work goes on for hours; what is being stopped, or was, is over in a moment.
        at_work = found.state in ACTIVE and found.stop is None
        if found.id in self._attempts and not at_work:
            await self._attempts[found.id].done.wait()
            found = await self._ledger.get(found.id)
        if to is not None and found.done:
            return await self._dispatcher.admit(await self._handovers.anew(found, to, budget))
        provider = found.spec.provider if to is None else to.provider
        goes_on = self._going_on(found, budget, provider)
        facts: tuple[e.Fact, ...] = (goes_on,)
        if to is not None:
            facts = (await self._handovers.over(found, to, goes_on.budget), goes_on)
        return await self._dispatcher.admit(await self._ledger.record(found.id, *facts))

    def _going_on(self, task: Task, more: Budget | None, provider: str) -> e.Readied | e.Resumed:
        """It may go on, with the budget that it has then. Raises BadInput."""
        if more is not None:
            spec = replace(task.spec, provider=provider, budget=more)
            check_budget(provider_of(self._ports.providers, spec), spec)
        allowed = new_budget(task, more)
        return e.Readied("person", allowed) if task.is_parked else e.Resumed("person", allowed)

    async def decide(
        self, task: str, verdict: Verdict, findings: Sequence[str] = (), *, by: str = "person"
    ) -> Task:
        found = await self._refs.task(task)
        if found.id in self._attempts:
            if not found.done and not found.awaits_verdict:
                raise IllegalTransition("it is still at work; decide when it has ended")
            await self._attempts[found.id].done.wait()
        return await self._dispatcher.admit(
            await self._deciding.decide(found, verdict, tuple(findings), by)
        )

    async def diff(self, task: str) -> str:
        return await self._deciding.diff(await self._refs.task(task))

    async def replan(self, task: str, plan: GoalPlan, *, version: int, by: str = "person") -> Task:
        found = await self._refs.task(task)
        return await self._ledger.record(found.id, e.Planned(version + 1, checked(plan), by))

    # ── sessions and service ─────────────────────────────────────────────────

    async def read(self, session: str, offset: int = 0, limit: int = 1 << 16) -> tuple[Chunk, ...]:
        return await self._sessions.read(session, offset, limit)

    async def times(
        self, session: str, offset: int = 0, until: int | None = None, most: int = 1000
    ) -> Times:
        return await self._sessions.times(session, offset, until, most)

    async def frame(self, session: str, offset: int = 0) -> Frame:
        return await self._sessions.frame(session, offset)

    async def search(self, query: SearchQuery) -> Hits:
        return await self._sessions.search(query)

    def attach(
        self,
        session: str,
        *,
        offset: int = 0,
        writer: bool = False,
        steal: bool = False,
        answers: Answers = Answers.NONE,
    ) -> AbstractAsyncContextManager[Terminal]:
        return self._sessions.attach(
            session, offset=offset, writer=writer, steal=steal, answers=answers
        )

    async def health(self) -> Health:
        page = await self._ports.store.list(TaskQuery(limit=1))
        seen = await self._ports.vitals.look(len(self._attempts), page.counts)
        more = (*self._ledger.hindrances.warnings(), *self._dispatcher.warnings())
        return replace(seen, warnings=(*seen.warnings, *more))

    async def metrics(self, query: MetricsQuery = MetricsQuery()) -> Metrics:
        return await self._ports.monitor.metrics(query)

    async def prune(self, policy: PrunePolicy) -> Pruned:
        gone = await prune(self._ports, self._ledger, policy)
        sessions, freed = await self.code.prune(policy)
        return replace(gone, sessions=sessions, bytes=gone.bytes + freed)

    async def workspaces(self) -> tuple[Place, ...]:
        return await self._sweeping.places()

    async def restore_workspace(self, task: str) -> Place:
        return await self._sweeping.restore(task)

    async def sweep(self, policy: SweepPolicy) -> tuple[Swept, ...]:
        return await self._sweeping.sweep(policy)

    async def merge(self, task: str, asked: MergeRequest) -> MergeResult:
        return await self._deciding.merge(await self._refs.task(task), asked)

    async def interrupt_all(self, reason: str) -> None:
        """Interrupt every task that is at work, side by side."""
        async with anyio.create_task_group() as group:
            for task_id in tuple(self._attempts):
                group.start_soon(self._quietly_interrupt, task_id, reason)

    # ── inside ───────────────────────────────────────────────────────────────

    async def _watch_one(self, since: int | None, task: str) -> AsyncGenerator[Event, None]:
        wanted = (await self._refs.task(task)).id
        async with aclosing(self._ledger.bus.follow(since, wanted)) as events:
            async for event in events:
                yield event

    async def _stop(
        self, ref: str, kind: StopKind, reason: str, by: str = "person", *, force: bool
    ) -> Task:
        task = await self._refs.task(ref)
        attempt = self._attempts.get(task.id)
        if attempt is None:
            why = Reason(kind.value, reason or f"{kind} by a {by}")
            ended = e.Interrupted(why, by) if kind is StopKind.INTERRUPT else e.Cancelled(why)
            stopped = await self._ledger.record(task.id, ended)
            return await self._dispatcher.admit(stopped)
        await self._ledger.record(task.id, e.StopRequested(kind, by, reason))
        attempt.minder.request_stop(kind, force=force)
        await attempt.done.wait()
        return await self._ledger.get(task.id)

    async def _quietly_interrupt(self, task_id: str, reason: str) -> None:
        try:
            await self.interrupt(task_id, reason=reason)
        except (IllegalTransition, TaskNotFound) as error:  # it has just ended, or is pruned
            log.debug("%s", error)

    def _live(self, task: Task) -> Attempt:
        attempt = self._attempts.get(task.id)
        if attempt is None or task.done:
            raise at_rest(task)
        return attempt

    def _run_of(self, session: str) -> Attempt | None:
        attempt = self._attempts.get(task_of(session))
        return attempt if attempt is not None and attempt.session == session else None

    def _launch(
        self, task: Task, begin: Callable[[Attempt], Awaitable[None]] = Attempt.begin
    ) -> None:
        if self._group is None:
            raise IllegalTransition("the engine is not running")
        leave = partial(self._dispatcher.release, task.spec.role, task.spec.provider)
        attempt = self._attempts[task.id] = Attempt(self._means, task, leave)
        self._group.create_task(self._carry(attempt, task, begin))

    def _launch_started(self, task: Task) -> None:
        """Its start is stored. An engine that stops leaves it to the next one, which adopts it."""
        if self._group is not None:
            self._launch(task, Attempt.go_on)

    async def _carry(
        self, attempt: Attempt, task: Task, begin: Callable[[Attempt], Awaitable[None]]
    ) -> None:
        """Run an attempt to its end; what it did not foresee becomes the task's error."""
        try:
            await begin(attempt)
        except Exception as error:
            log.exception("the attempt of %s broke", task.id)
            why = Reason("internal", f"{type(error).__name__}: {error}", "This is a bug in inspan.")
            if not attempt.task.done:
                await self._ledger.insist(task.id, e.Errored(why))
        finally:
            del self._attempts[task.id]
            attempt.minder.met.set()
            attempt.leave_slot()
        # Only now may the task be lined up again: two attempts of one task never overlap.
        await self._dispatcher.admit(attempt.task)
        attempt.done.set()

    @cached_property
    def _means(self) -> Means:
        return Means(
            ledger=self._ledger,
            providers=self._ports.providers,
            workspaces=self._ports.workspaces,
            keep=self._ports.keep,
            clock=self._ports.clock,
            patrol=self._patrol,
            spawn=self._spawn,
            is_typed_into=self._sessions.is_typed_into,
            timeouts=self._rules.timeouts,
            permissions=self._rules.permissions,
            crowding=self._dispatcher.crowding,
            aftermath=Aftermath(
                self._ports.clock,
                self._rules.backoff,
                LimitRules(on_limit=self._rules.on_limit, waits=self._rules.waits),
            ),
        )

    def _spawn(self, work: Callable[[], Awaitable[None]]) -> None:
        if self._group is not None:
            self._group.create_task(self._guard("an errand", work))

    async def _guard(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        """An errand may fail; the engine may not."""
        try:
            await work()
        except Exception:
            log.exception("%s failed", what)

    async def _sweep(self) -> None:
        """Drop what the keeper holds for attempts that are over: their end is stored."""
        for session in await self._ports.keep.held():
            if not SESSION_ID.fullmatch(session):
                if CODE_RUN.fullmatch(session) and not self.code.holds(session):
                    await self._ports.keep.drop(session)
                continue  # or a session of one program, which holds it
            attempt = self._attempts.get(task_of(session))
            if attempt is None or not session.startswith(attempt.session):
                await self._ports.keep.drop(session)
