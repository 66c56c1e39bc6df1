"""One attempt of a task, from the slot it was given to the fact that ends it.

Started is stored before the process is spawned, and the end is stored before the process is
forgotten. It never picks a task, never counts slots, and leaves what is alive to its ``Minder``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from inspan.engine import reasons
from inspan.engine.aftermath import is_budget
from inspan.engine.hindrances import AGAIN
from inspan.engine.means import Means
from inspan.engine.minding import Minder
from inspan.engine.orders import order_of, provider_of, started, works_where_it_is
from inspan.engine.patrol import until
from inspan.engine.ports import (
    Authenticates,
    Finished,
    Lost,
    Order,
    Provider,
    Run,
)
from inspan.engine.watchdog import Watchdog
from inspan.errors import (
    DiskFull,
    IllegalTransition,
    InspanError,
    KeeperLost,
    KeeperMismatch,
    ProviderBroken,
    ProviderNotFound,
    SettingsInvalid,
)
from inspan.model import event as e
from inspan.model import setup
from inspan.model.activity import Activity
from inspan.model.agent import Ending
from inspan.model.ids import check_id, session_id
from inspan.model.task import (
    OnCrash,
    Patience,
    Reason,
    StopKind,
    Task,
    TaskState,
)

log = logging.getLogger(__name__)
T = TypeVar("T")


class Attempt:
    """A task's present attempt."""

    def __init__(self, means: Means, task: Task, leave: Callable[[], None]) -> None:
        """``leave`` gives its slot back."""
        self.done = asyncio.Event()
        self._means = means
        self._leave: Callable[[], None] | None = leave
        self.minder = Minder(means, task)

    @property
    def task(self) -> Task:
        """The task as it is now."""
        return self.minder.task

    @property
    def session(self) -> str:
        """The session of its own process."""
        return self.minder.session

    @property
    def run(self) -> Run | None:
        """The live process, if there is one."""
        return self.minder.run

    @property
    def activity(self) -> Activity | None:
        """What it does, as far as its run told; nobody told where there is none."""
        return self.minder.activity

    def leave_slot(self) -> None:
        """Nothing of it will run any more; once is enough."""
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()

    # ── the four ways in ─────────────────────────────────────────────────────

    async def begin(self) -> None:
        """A new attempt, of a task that is queued."""
        try:
            keeper = await self._means.keep.id()
        except KeeperLost as error:
            await self.minder.insist(e.Errored(reasons.of_error(error)))
            return
        task = self.task
        session = session_id(task.id, task.attempt)
        try:
            # It was accepted: with a full disk it waits for room.
            await self.minder.insist(started(task, session, keeper))
        except IllegalTransition:
            return  # it was cancelled or interrupted while it waited for this slot
        self.minder.session = session
        await self._spawn()

    async def go_on(self) -> None:
        """A new attempt, whose start was stored together with its task."""
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
            await self.minder.insist(e.Interrupted(reasons.of_error(error)))
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

    # ── the process ──────────────────────────────────────────────────────────

    async def _spawn(self) -> None:
        try:
            run = await self._opened()
        except KeeperMismatch as error:
            await self.minder.insist(e.Errored(reasons.of_error(error)))
        except KeeperLost as error:
            await self._lose(error.message)
        except InspanError as error:
            await self.minder.insist(e.Errored(reasons.of_error(error)))
        else:
            if run is not None:
                await self._follow(run)
            elif self.task.state is TaskState.RUNNING:  # its set-up has not ended it
                await self.minder.insist(self._given_up())

    async def _opened(self) -> Run | None:
        if works_where_it_is(self.task.spec) or await self._placed():
            return await self._with_room(self._start)
        return None

    async def _placed(self) -> bool:
        """Whether the place to work is there, and set up."""
        # A place that is being set up is the same one for all of the attempt.
        made = setup.begun(self.task) or await self._with_room(self._make_place)
        return bool(made) and await self._set_up()

    async def _start(self) -> Run:
        provider, order = self._provider(), self._order()
        # Most have no login; isinstance alone takes 5 µs to say so of a Protocol.
        if hasattr(provider, "authenticate") and isinstance(provider, Authenticates):
            await provider.authenticate(order)
        return await provider.open(order)

    async def _make_place(self) -> bool:
        place = await self._means.workspaces.prepare(self.task)
        await self.minder.insist(e.WorkspaceReady(self.task.attempt, place))
        return True

    async def _set_up(self) -> bool:
        """Run what sets the workspace up and is not done there; whether all of it is."""
        while (due := setup.due(self.task)) is not None:
            if self._told_to_stop() or not await self._prepared_by(due):
                return False
        return not self._told_to_stop()

    async def _prepared_by(self, due: setup.Due) -> bool:
        """Run one such command; false where told to stop, or it failed, which is stored."""
        told = (self.task.attempt, due.command, due.session)
        if due.began_at is None:
            await self.minder.insist(e.SetupStarted(*told))
        run = await self._command(due.session, due.command)
        if run is None:
            return False
        last = await self.minder.drive_command(run, self._setup_limit(due))
        if isinstance(last, Lost):
            raise KeeperLost(last.why)
        late = isinstance(self.minder.cause, Reason)
        if last.exit.ok and not late:
            await self.minder.insist(e.SetupDone(*told))
        elif late or not self._told_to_stop():
            failed = e.SetupFailed(*told, last.exit, late)
            await self.minder.insist(failed, self._failed(reasons.of_setup(self.task, failed)))
        else:
            await self.minder.insist(self._given_up())
        await _forget(run)
        return self.task.state is TaskState.RUNNING

    def _setup_limit(self, due: setup.Due) -> Watchdog:
        place, clock = self.task.workspace, self._means.clock
        limit = None if place is None else place.setup_timeout
        patience = Patience(deadline=limit, warn_before=0.0)
        spent = 0.0 if due.began_at is None else max(0.0, clock.now() - due.began_at)
        return Watchdog(patience, None, clock.monotonic(), spent=spent)

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
                stopped = await until(self.minder.wished, clock, began + pause)
                self.minder.held += clock.monotonic() - began
                if stopped:
                    return None
                pause = min(most, pause * 2)
        finally:
            hindrances.free(self.task.id)

    async def _follow(self, run: Run) -> None:
        """Until the process has ended; then what it ended as."""
        last = await self.minder.drive(run)
        if isinstance(last, Lost):
            await self._lose(last.why)
            return
        await self._conclude(last)
        await _forget(run)

    # ── the end ──────────────────────────────────────────────────────────────

    async def _conclude(self, last: Finished) -> None:
        task, outcome = self.task, last.outcome
        exited = e.Exited(task.attempt, last.exit, last.size, outcome)
        plain = not task.spec.checks and not task.spec.review
        if news := self._means.crowding.ended(task, outcome):
            await self.minder.tell(*news)
        if is_budget(self.minder.cause) and outcome is not None and outcome.ok:
            self.minder.cause = None  # what it was to do is done all the same
        if self.minder.cause is not None:
            await self.minder.insist(exited, self._given_up())
        elif outcome is not None and outcome.ending is Ending.LOGIN:
            await self.minder.insist(exited, e.Errored(reasons.of_outcome(outcome)))
        elif outcome is not None and not outcome.ok:
            await self.minder.insist(exited, self._means.aftermath.ended_badly(task, outcome))
        elif outcome is None and not exited.exit.ok:
            await self.minder.insist(exited, self._failed(reasons.of_exit(exited.exit)))
        elif plain:
            # What starts in its slot is stored behind its end: there is nothing to wait for.
            if not self._means.ledger.is_storing(task.id):
                self.leave_slot()
            await self.minder.insist(exited, e.Completed(task.attempt))
        else:
            await self.minder.insist(exited)
            await self._verify()

    async def _verify(self) -> None:
        """Run the checks that have not run yet, one after the other."""
        if self._told_to_stop():
            await self.minder.insist(self._given_up())
            return
        for number, command in enumerate(self.task.spec.checks):
            if number >= len(self.task.checks) and not await self._passes(number, command):
                return
        if not self.task.spec.review:
            await self.minder.insist(e.Succeeded(self.task.attempt))

    async def _passes(self, number: int, command: str) -> bool:
        """Run a check; false where the attempt is over, which is stored."""
        session = check_id(self.session, number)
        try:
            run = await self._command(session, command)
        except KeeperLost as error:
            await self._lose(error.message)
            return False
        except InspanError as error:
            await self.minder.insist(e.Errored(reasons.of_error(error)))
            return False
        last = None if run is None else await self.minder.drive_command(run)
        if isinstance(last, Lost):
            await self._lose(last.why)
            return False
        if run is None or last is None or self._told_to_stop():
            await self.minder.insist(self._given_up())
        else:
            await self._checked(e.CheckEnded(self.task.attempt, command, last.exit, session))
        if run is not None:
            await _forget(run)
        return self.task.state is TaskState.PROCESSING

    async def _checked(self, ended: e.CheckEnded) -> None:
        if ended.exit.ok:
            await self.minder.insist(ended)
            return
        how = reasons.of_exit(ended.exit).message
        why = Reason("check-failed", f"the check `{ended.command}` {how}")
        await self.minder.insist(ended, self._failed(why))

    async def _command(self, session: str, command: str) -> Run | None:
        """A line of shell beside its own process; ``None`` where told to stop first."""
        shell = self._means.providers["shell"]
        order = self._order(session, ("/bin/sh", "-c", command))
        return await shell.adopt(order) or await self._with_room(lambda: shell.open(order))

    def _told_to_stop(self) -> bool:
        return self.minder.cause is not None

    def _given_up(self) -> e.Fact:
        return self._means.aftermath.given_up(self.task, self.minder.cause)

    def _failed(self, reason: Reason) -> e.Fact:
        return self._means.aftermath.failed(self.task, reason)

    async def _lose(self, why: str) -> None:
        if self.minder.cause is StopKind.CANCEL:
            await self.minder.insist(e.Cancelled(Reason("cancelled", why)))
            return
        facts: list[e.Fact] = [e.Interrupted(Reason("lost", why, "`inspan resume ID`"))]
        if self.task.spec.on_crash is OnCrash.RETRY and self.minder.cause is None:
            facts.append(e.Resumed("on_crash: retry"))
        await self.minder.insist(*facts)

    # ── small words ──────────────────────────────────────────────────────────

    def _provider(self) -> Provider:
        return provider_of(self._means.providers, self.task.spec)

    def _order(self, session: str | None = None, command: tuple[str, ...] | None = None) -> Order:
        return order_of(self.task, session or self.session, command, self.minder.policy)


async def _forget(run: Run) -> None:
    """Its end is stored; where this fails, the next engine sweeps it up."""
    try:
        await run.close()
    except InspanError as error:
        log.debug("%s", error)
