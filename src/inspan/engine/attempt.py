"""One attempt of a task, from the slot it was given to the fact that ends it.

It turns what a ``Run`` observes into facts, in this order: started is stored before the process is
spawned, and the end is stored before the process is forgotten. It never picks a task, never counts
slots, and never writes an event but through the ledger.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from inspan.engine import reasons
from inspan.engine.aftermath import Aftermath, is_budget
from inspan.engine.crowding import Crowding
from inspan.engine.hindrances import AGAIN
from inspan.engine.housing import Workspaces
from inspan.engine.ledger import Ledger
from inspan.engine.limits import budget_used_up
from inspan.engine.orders import order_of, provider_of, started, works_where_it_is
from inspan.engine.patrol import Patrol, until
from inspan.engine.ports import (
    Asks,
    Authenticates,
    BacksOff,
    Began,
    Clock,
    Counted,
    Decided,
    Does,
    Finished,
    GoesOn,
    Grew,
    Keep,
    Lost,
    Observation,
    Order,
    Provider,
    Run,
    Started,
)
from inspan.engine.receipts import Receipts
from inspan.engine.stopping import stop
from inspan.engine.unanswered import Unanswered
from inspan.engine.watchdog import Alarm, Watchdog
from inspan.errors import (
    DiskFull,
    IllegalTransition,
    InspanError,
    KeeperLost,
    KeeperMismatch,
    ProviderBroken,
    ProviderNotFound,
    SettingsInvalid,
    StaleAttempt,
)
from inspan.model import event as e
from inspan.model.activity import Activity
from inspan.model.agent import Ending, is_agent
from inspan.model.ids import check_id, session_id
from inspan.model.permission import Policy
from inspan.model.task import (
    Needs,
    OnCrash,
    Reason,
    StopKind,
    Task,
    TaskState,
)
from inspan.model.timeouts import Timeouts

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What an attempt works with; the engine hands the same one to all."""

    ledger: Ledger
    providers: Mapping[str, Provider]
    workspaces: Workspaces
    keep: Keep
    clock: Clock
    patrol: Patrol
    #: Start something that must go on when its caller is gone, under the engine's own roof.
    spawn: Callable[[Callable[[], Awaitable[None]]], None]
    #: Whether a person types into the terminal of a session.
    is_typed_into: Callable[[str], bool]
    timeouts: Callable[[], Timeouts]
    permissions: Policy
    aftermath: Aftermath
    crowding: Crowding


class Attempt:
    """A task's present attempt."""

    def __init__(self, means: Means, task: Task) -> None:
        self.done = asyncio.Event()
        #: Set once there is a run, or there will be none.
        self.met = asyncio.Event()
        #: What it does, as far as its run told; nobody told where there is none.
        self.activity: Activity | None = None
        self._means = means
        self._last = task
        self.session = task.session or session_id(task.id, task.attempt)
        timeouts = means.timeouts()
        usual = timeouts.patience(agent=is_agent(task.spec.provider))
        self._patience = task.spec.patience or usual
        self._silence = timeouts.silence(self._patience.idle)
        self._unanswered = Unanswered(self, means.permissions, means.clock, means.spawn)
        typed = lambda: means.is_typed_into(self.session)  # noqa: E731  # it changes
        self.receipts = Receipts(means.ledger, means.clock, means.spawn, task.id, typed)
        #: Seconds that it waited for room on the disk; no deadline of this engine's counts them.
        self._held = 0.0
        self._watchdog: Watchdog  # while it runs
        self._run: Run | None = None
        self._ended: asyncio.Event  # while it runs
        #: The process is alive, and the store does not know yet.
        self._spawned: e.Spawned | None = None
        #: One per stop that is under way or over; set when nothing of the tree was left.
        self._stops: list[asyncio.Event] = []
        #: Why it was told to stop: somebody's wish, or what ran out.
        self._cause: StopKind | Reason | None = task.stop.kind if task.stop else None
        #: Set with a cause; wakes what waits for room on the disk.
        self._wished = asyncio.Event()
        if self._cause is not None:
            self._wished.set()

    @property
    def task(self) -> Task:
        """The task as it is now; others record facts about it too."""
        return self._means.ledger.open.get(self._last.id, self._last)

    # ── the three ways in ────────────────────────────────────────────────────

    async def begin(self) -> None:
        """A new attempt, of a task that is queued."""
        try:
            keeper = await self._means.keep.id()
        except KeeperLost as error:
            await self._insist(e.Errored(reasons.of_error(error)))
            return
        task = self.task
        session = session_id(task.id, task.attempt)
        try:
            # It was accepted: with a full disk it waits for room.
            await self._insist(started(task, session, keeper))
        except IllegalTransition:
            return  # it was cancelled or interrupted while it waited for this slot
        self.session = session
        await self._spawn()

    async def adopt(self) -> None:
        """An attempt that an earlier engine started and whose process may be alive."""
        try:
            run = await self._provider().adopt(self._order())
            keeper = await self._means.keep.id()
        except KeeperLost as error:
            await self._lose(error.message)
            return
        except (ProviderNotFound, ProviderBroken, SettingsInvalid) as error:
            # Nobody can read what it says: it must not go on unseen.
            await self._means.keep.drop(self.session)
            await self._insist(e.Interrupted(reasons.of_error(error)))
            return
        if run is not None:
            await self._follow(run)
        elif self.task.keeper == keeper:
            # This keeper never heard of the session: the engine died before it spawned it.
            await self._spawn()
        else:
            await self._lose("the keeper that held it is gone")

    async def process(self) -> None:
        """An attempt whose process has ended and whose checks an earlier engine had begun."""
        await self._verify()

    # ── being told to stop ───────────────────────────────────────────────────

    def request_stop(self, cause: StopKind | Reason, *, force: bool = False) -> None:
        """Stop it, now or as soon as there is something to stop.

        The first cause counts, but that giving up overrides any.
        """
        self._cause = cause if cause is StopKind.CANCEL else self._cause or cause
        self._wished.set()
        run = self._run
        if run is None or (self._stops and not force):
            return
        over, ended = asyncio.Event(), self._ended
        self._stops.append(over)

        async def climb() -> None:
            try:
                clock, grace = self._means.clock, self._patience.grace
                stopped = await stop(run, ended, clock, grace=grace, force=force)
            except InspanError as error:
                log.debug("%s", error)  # a keeper that is gone: the run tells the same, as Lost
            else:
                if stopped.left:
                    log.warning("%d processes of %s are left", stopped.left, self.session)
            finally:
                over.set()

        self._means.spawn(climb)

    def look(self) -> float | None:
        """The patrol's question: act on what has run out; when to ask again."""
        if self._run is None or self._cause is not None:
            return None
        seen = self._watchdog.look(self._means.clock.monotonic())
        match seen.alarm:
            case Alarm.DEADLINE | Alarm.IDLE:
                self.request_stop(reasons.of_alarm(seen))
            case Alarm.DEADLINE_SOON | Alarm.IDLE_SOON:
                warned = reasons.of_warning(self.task.attempt, seen)
                self._means.spawn(lambda: self.tell(warned))
        return seen.again

    # ── the process ──────────────────────────────────────────────────────────

    @property
    def run(self) -> Run | None:
        """The live process, if there is one."""
        return self._run

    async def _spawn(self) -> None:
        try:
            run = await self._opened()
        except KeeperMismatch as error:
            await self._insist(e.Errored(reasons.of_error(error)))
        except KeeperLost as error:
            await self._lose(error.message)
        except InspanError as error:
            await self._insist(e.Errored(reasons.of_error(error)))
        else:
            await (self._follow(run) if run else self._insist(self._given_up()))

    async def _opened(self) -> Run | None:
        if works_where_it_is(self.task.spec) or await self._with_room(self._make_place):
            return await self._with_room(self._start)
        return None

    async def _start(self) -> Run:
        provider, order = self._provider(), self._order()
        # Most have no login; isinstance alone takes 5 µs to say so of a Protocol.
        if hasattr(provider, "authenticate") and isinstance(provider, Authenticates):
            await provider.authenticate(order)
        return await provider.open(order)

    async def _make_place(self) -> bool:
        place = await self._means.workspaces.prepare(self.task)
        await self._insist(e.WorkspaceReady(self.task.attempt, place))
        return True

    async def _with_room(self, start: Callable[[], Awaitable[T]]) -> T | None:
        """What ``start`` gives, once the disk has room for it; ``None`` where told to stop first.

        ``start`` has started nothing where it raises DiskFull, so nothing runs twice.
        """
        hindrances, clock = self._means.ledger.hindrances, self._means.clock
        pause, most = AGAIN
        try:
            while True:
                try:
                    return await start()
                except DiskFull as error:
                    log.warning("not started yet: %s", error, extra={"task": self.task.id})
                    hindrances.hinder(self.task.id, error)
                began = clock.monotonic()
                stopped = await until(self._wished, clock, began + pause)
                self._held += clock.monotonic() - began
                if stopped:
                    return None
                pause = min(most, pause * 2)
        finally:
            hindrances.free(self.task.id)

    async def _follow(self, run: Run) -> None:
        """Until the process has ended; then what it ended as."""
        last = await self._drive(run)
        if isinstance(last, Lost):
            await self._lose(last.why)
            return
        await self._conclude(e.Exited(self.task.attempt, last.exit, last.size, last.outcome))
        await _forget(run)

    async def _drive(self, run: Run) -> Finished | Lost:
        self._run, self._ended, self._stops = run, asyncio.Event(), []
        self.met.set()
        self._watchdog = self._new_watchdog()
        if self.task.state is TaskState.WAITING:
            self._watchdog.pause(self._means.clock.monotonic())
        self._means.patrol.add(self)
        if self._cause is not None:
            self.request_stop(self._cause)
        last: Finished | Lost = Lost("the run ended without a word")
        try:
            async for seen in self.receipts.of(run):
                if isinstance(seen, Finished | Lost):
                    last = seen
                else:
                    await self._seen(seen)
        finally:
            self._ended.set()
            self._run = self.activity = None
        for over in self._stops:
            await over.wait()
        return last

    async def _seen(self, seen: Observation) -> None:
        now = self._means.clock.monotonic()
        match seen:
            case Grew():
                if self._watchdog.heard(now):
                    await self.tell(e.Stirred(self.task.attempt))
            case Started(pid):
                task = self.task
                if task.state is TaskState.RUNNING and task.pid != pid:
                    self._spawned = e.Spawned(task.attempt, pid)
                    asyncio.get_running_loop().call_soon(self._tell_spawned_soon)
            case Asks(needs):
                # Whoever adopted it is told again.
                if not reasons.same_question(needs, self.task.needs):
                    await self.tell(e.NeedsInput(self.task.attempt, needs))
                # A check that asks is not heard: its clocks go on, and the deadline ends it.
                if self.task.state is TaskState.WAITING:
                    self._watchdog.pause(now)
                    self._means.patrol.add(self._unanswered)
            case GoesOn():
                await self.answered()
            case _:
                await self._seen_of_agent(seen, now)

    async def _seen_of_agent(self, seen: Observation, now: float) -> None:
        """What only an agent tells; after an adoption it is told again."""
        match seen:
            case Began(agent) if agent != self.task.agent:
                await self.tell(e.AgentBegan(self.task.attempt, agent))
            case Counted(usage):
                if usage != self.task.usage:
                    await self.tell(e.UsageCounted(self.task.attempt, usage))
                if self._cause is None and (why := budget_used_up(self.task)) is not None:
                    self.request_stop(why)
            case Does(activity):
                self.activity = activity
            case BacksOff(seconds, _, ending):
                self._watchdog.excuse(now + seconds)
                await self.tell(*self._means.crowding.backs_off(self.task, ending))
            case Decided():
                await self.tell(reasons.of_rule(self.task.attempt, seen))
            case _:
                return

    async def answered(self, needs: Needs | None = None) -> None:
        """The person has answered (``needs``, where a newer question may be open): go on."""
        task = self.task
        if task.state is not TaskState.WAITING or not reasons.is_about(needs, task.needs):
            return
        self._watchdog.resume(self._means.clock.monotonic())
        self._means.patrol.add(self)
        await self.tell(e.Answered(task.attempt, "" if needs is None else needs.id))

    def _new_watchdog(self) -> Watchdog:
        now, task = self._means.clock.now(), self.task
        spent = max(0.0, now - (task.started_at or now) - self._held)
        return Watchdog(
            self._patience,
            self._silence,
            self._means.clock.monotonic(),
            spent=spent,
            warned=task.idle_warned_at is not None,
        )

    # ── the end ──────────────────────────────────────────────────────────────

    async def _conclude(self, exited: e.Exited) -> None:
        task, outcome = self.task, exited.outcome
        plain = not task.spec.checks and not task.spec.review
        if news := self._means.crowding.ended(task, outcome):
            await self.tell(*news)
        if is_budget(self._cause) and outcome is not None and outcome.ok:
            self._cause = None  # what it was to do is done all the same
        if self._cause is not None:
            await self._insist(exited, self._given_up())
        elif outcome is not None and outcome.ending is Ending.LOGIN:
            await self._insist(exited, e.Errored(reasons.of_outcome(outcome)))
        elif outcome is not None and not outcome.ok:
            await self._insist(exited, self._means.aftermath.ended_badly(task, outcome))
        elif outcome is None and not exited.exit.ok:
            await self._insist(exited, self._failed(reasons.of_exit(exited.exit)))
        elif plain:
            await self._insist(exited, e.Completed(task.attempt))
        else:
            await self._insist(exited)
            await self._verify()

    async def _verify(self) -> None:
        """Run the checks that have not run yet, one after the other."""
        if self._told_to_stop():
            await self._insist(self._given_up())
            return
        for number, command in enumerate(self.task.spec.checks):
            if number < len(self.task.checks):
                continue
            session = check_id(self.session, number)
            try:
                last = await self._check(session, command)
            except InspanError as error:
                await self._insist(e.Errored(reasons.of_error(error)))
                return
            if isinstance(last, Lost):
                await self._lose(last.why)
                return
            if last is None or self._told_to_stop():
                await self._insist(self._given_up())
                return
            ended = e.CheckEnded(self.task.attempt, command, last.exit, session)
            if not last.exit.ok:
                how = reasons.of_exit(last.exit).message
                why = Reason("check-failed", f"the check `{command}` {how}")
                await self._insist(ended, self._failed(why))
                return
            await self._insist(ended)
        if not self.task.spec.review:
            await self._insist(e.Succeeded(self.task.attempt))

    async def _check(self, session: str, command: str) -> Finished | Lost | None:
        shell = self._means.providers["shell"]
        order = self._order(session, ("/bin/sh", "-c", command))
        try:
            run = await shell.adopt(order) or await self._with_room(lambda: shell.open(order))
        except KeeperLost as error:
            return Lost(error.message)
        if run is None:
            return None
        last = await self._drive(run)
        if isinstance(last, Finished):
            await _forget(run)
        return last

    def _told_to_stop(self) -> bool:
        return self._cause is not None

    def _given_up(self) -> e.Fact:
        return self._means.aftermath.given_up(self.task, self._cause)

    def _failed(self, reason: Reason) -> e.Fact:
        return self._means.aftermath.failed(self.task, reason)

    async def _lose(self, why: str) -> None:
        if self._cause is StopKind.CANCEL:
            await self._insist(e.Cancelled(Reason("cancelled", why)))
            return
        facts: list[e.Fact] = [e.Interrupted(Reason("lost", why, "`inspan resume ID`"))]
        if self.task.spec.on_crash is OnCrash.RETRY and self._cause is None:
            facts.append(e.Resumed("on_crash: retry"))
        await self._insist(*facts)

    # ── small words ──────────────────────────────────────────────────────────

    def _provider(self) -> Provider:
        return provider_of(self._means.providers, self.task.spec)

    def _order(self, session: str | None = None, command: tuple[str, ...] | None = None) -> Order:
        return order_of(self.task, session or self.session, command, self._unanswered.policy)

    async def _insist(self, *facts: e.Fact) -> None:
        spawned, self._spawned = self._spawned, None
        facts = facts if spawned is None else (spawned, *facts)
        if facts:
            self._last = await self._means.ledger.insist(self._last.id, *facts)

    def _tell_spawned_soon(self) -> None:
        """On its own errand: a process that ends at once is told of together with its end."""
        if self._spawned is not None:
            self._means.spawn(self.tell)

    async def tell(self, *facts: e.Fact) -> None:
        """Store what is worth knowing and may have been overtaken."""
        try:
            await self._insist(*facts)
        except (IllegalTransition, StaleAttempt) as error:
            log.debug("%s", error)


async def _forget(run: Run) -> None:
    """Its end is stored; where this fails, the next engine sweeps it up."""
    try:
        await run.close()
    except InspanError as error:
        log.debug("%s", error)
