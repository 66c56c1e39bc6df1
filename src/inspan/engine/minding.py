"""Minds the processes of one attempt, one after the other: its own, and commands around it.

What a run observes becomes facts, and what runs out stops it. It never starts a process, and never
decides what follows from an end.
"""

from __future__ import annotations

import asyncio
import logging
from functools import cached_property

from inspan.engine import reasons
from inspan.engine.limits import budget_used_up
from inspan.engine.means import Means
from inspan.engine.ports import (
    Asks,
    BacksOff,
    Began,
    Counted,
    Decided,
    Does,
    Finished,
    GoesOn,
    Grew,
    Lost,
    Observation,
    Run,
    Started,
)
from inspan.engine.receipts import Receipts
from inspan.engine.stopping import stop
from inspan.engine.unanswered import Unanswered
from inspan.engine.watchdog import Alarm, Watchdog
from inspan.errors import IllegalTransition, InspanError, StaleAttempt
from inspan.model import event as e
from inspan.model.activity import Activity
from inspan.model.agent import is_agent
from inspan.model.ids import session_id
from inspan.model.setup import took
from inspan.model.task import Needs, Reason, StopKind, Task, TaskState

log = logging.getLogger(__name__)


class Minder:
    """What is alive of an attempt, why it was told to stop, and the facts that it writes."""

    def __init__(self, means: Means, task: Task) -> None:
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
        own = task.spec.permissions
        #: What its agent may do: the rules of the task, those for all tasks among them.
        self.policy = means.permissions if own is None else own.under(means.permissions)
        #: Seconds that it waited for room on the disk; no deadline of this engine's counts them.
        self.held = 0.0
        self._watchdog: Watchdog  # while it runs
        self._run: Run | None = None
        #: It is the attempt's own, and no command that sets up or checks.
        self._own = True
        #: Set when the process has ended; made for who climbs towards that.
        self._ended: asyncio.Event | None = None
        #: The process is alive, and the store does not know yet.
        self._spawned: e.Spawned | None = None
        #: One per stop that is under way or over; set when nothing of the tree was left.
        self._stops: list[asyncio.Event] = []
        #: Why it was told to stop: somebody's wish, or what ran out.
        self.cause: StopKind | Reason | None = task.stop.kind if task.stop else None

    # Made when somebody needs them, as few do: what refers back to its minder would leave each
    # task of thousands to the collector of cycles.

    @cached_property
    def receipts(self) -> Receipts:
        """Takes its prompts."""
        means = self._means
        typed = lambda: means.is_typed_into(self.session)  # noqa: E731  # it changes
        return Receipts(means.ledger, means.clock, means.spawn, self._last.id, typed)

    @cached_property
    def wished(self) -> asyncio.Event:
        """Set with a cause; wakes what waits for room on the disk."""
        wished = asyncio.Event()
        if self.cause is not None:
            wished.set()
        return wished

    @cached_property
    def _unanswered(self) -> Unanswered:
        return Unanswered(self, self.policy.expires, self._means.clock, self._means.spawn)

    @property
    def task(self) -> Task:
        """The task as it is now; others record facts about it too."""
        return self._means.ledger.open.get(self._last.id, self._last)

    @property
    def run(self) -> Run | None:
        """Its own live process, if there is one."""
        return self._run if self._own else None

    # ── being told to stop ───────────────────────────────────────────────────

    def request_stop(self, cause: StopKind | Reason, *, force: bool = False) -> None:
        """Stop it, now or as soon as there is something to stop.

        The first cause counts, but that giving up overrides any.
        """
        self.cause = cause if cause is StopKind.CANCEL else self.cause or cause
        self.wished.set()
        run = self._run
        if run is None or (self._stops and not force):
            return
        ended = self._ended = self._ended or asyncio.Event()
        over = asyncio.Event()
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
        if self._run is None or self.cause is not None:
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

    async def drive(self, run: Run) -> Finished | Lost:
        """Its own process, until it has ended; how it did."""
        self.met.set()
        return await self._mind(run, self._new_watchdog(), own=True)

    async def drive_command(self, run: Run, watchdog: Watchdog | None = None) -> Finished | Lost:
        """A command beside it, with limits of its own where it has any.

        Nobody types there, and what it asks is not heard: its clocks go on.
        """
        return await self._mind(run, watchdog or self._new_watchdog(), own=False)

    async def _mind(self, run: Run, watchdog: Watchdog, *, own: bool) -> Finished | Lost:
        self._run, self._stops = run, []
        self._watchdog, self._own = watchdog, own
        if self.task.state is TaskState.WAITING:
            self._watchdog.pause(self._means.clock.monotonic())
        self._means.patrol.add(self)
        if self.cause is not None:
            self.request_stop(self.cause)
        last: Finished | Lost = Lost("the run ended without a word")
        try:
            # Most take no prompts; isinstance alone takes 5 µs to say so of a Protocol.
            told = own and hasattr(run, "knows")
            async for seen in self.receipts.of(run) if told else run.observations():
                if isinstance(seen, Finished | Lost):
                    last = seen
                elif own:
                    await self._seen(seen)
                elif isinstance(seen, Grew):
                    self._watchdog.heard(self._means.clock.monotonic())
        finally:
            if self._ended is not None:
                self._ended.set()
            self._run = self._ended = self.activity = None
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
                if self.cause is None and (why := budget_used_up(self.task)) is not None:
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
        # Its workspace was set up within limits of its own.
        spent = max(0.0, now - (task.started_at or now) - self.held - took(task))
        return Watchdog(
            self._patience,
            self._silence,
            self._means.clock.monotonic(),
            spent=spent,
            warned=task.idle_warned_at is not None,
        )

    # ── what it writes ───────────────────────────────────────────────────────

    async def insist(self, *facts: e.Fact) -> None:
        """Store what has to be known."""
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
            await self.insist(*facts)
        except (IllegalTransition, StaleAttempt) as error:
            log.debug("%s", error)
