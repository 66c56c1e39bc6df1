"""Control for plain synchronous programs and for the CLI: blocking, light to import.

Standard library only, and of it only what is cheap: no http.client, no asyncio, no ssl. Values of
``control`` and of events are imported by the verbs that need them. The verbs and their errors are
those of ``control.Control``. Requests may come from several threads; a ``Watch`` or a
``Terminal`` belongs to one thread at a time.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from inspan.client import calls, placecalls
from inspan.client.link import Closing, Connections
from inspan.model.budget import Budget
from inspan.model.session import Answers, Frame
from inspan.model.task import Handover, Task, TaskSpec, Verdict

if TYPE_CHECKING:
    from os import PathLike

    from inspan.client.address import Address
    from inspan.client.link import Channel
    from inspan.client.rejoin import Rejoin, Way
    from inspan.client.stream import Terminal, Watch
    from inspan.client.synccode import SyncCode
    from inspan.control import (
        EventQuery,
        Health,
        Pruned,
        PrunePolicy,
        SearchQuery,
        TaskPage,
        TaskQuery,
    )
    from inspan.model.activity import Activity
    from inspan.model.event import Event
    from inspan.model.goal import GoalPlan
    from inspan.model.merging import MergeRequest, MergeResult
    from inspan.model.metrics import Metrics, MetricsQuery
    from inspan.model.place import Place, SweepPolicy, Swept
    from inspan.model.receipt import Receipt, Stage
    from inspan.model.session import Chunk, Hits, Times


class SyncControl(Closing):
    """Control of the daemon at one address. Nothing is connected before the first verb."""

    def __init__(self, at: Address | str | PathLike[str], rejoin: Rejoin | None = None) -> None:
        """``rejoin``: how streams look for a daemon that is lost; ``None``: they raise."""
        self._connections = Connections(at)
        self._far = self._connections.address.far
        self._rejoin = rejoin

    @property
    def address(self) -> Address:
        """Where the daemon is."""
        return self._connections.address

    def close(self) -> None:
        """Let go of the connections at rest; the next verb makes a new one."""
        self._connections.close()

    def reach(self) -> bool:
        """True where a daemon takes connections; the first verb then uses this one."""
        return self._connections.reach()

    @property
    def code(self) -> SyncCode:
        """Code sessions."""
        from inspan.client.synccode import SyncCode  # noqa: PLC0415  a third of the import

        return SyncCode(self._connections)

    def invite(self, scopes: Sequence[str] = ()) -> str:
        """The address that lets a browser in, once and within a minute. No verb of Control."""
        return self._connections.ask(calls.invite(scopes))

    # ── tasks ─────────────────────────────────────────────────────────────────

    def submit(self, spec: TaskSpec, *, key: str | None = None) -> Task:
        return self._connections.ask(calls.submit(spec, key, base=self._far))

    def submit_all(self, specs: Sequence[TaskSpec], *, key: str | None = None) -> tuple[Task, ...]:
        return self._connections.ask(calls.submit_all(specs, key, base=self._far))

    def get(self, task: str) -> Task:
        return self._connections.ask(calls.get(task))

    def list(self, query: TaskQuery | None = None) -> TaskPage:
        return self._connections.ask(calls.listed(query))

    def activity(self, task: str) -> Activity:
        return self._connections.ask(calls.activity(task))

    def history(self, query: EventQuery | None = None) -> tuple[Event, ...]:
        return self._connections.ask(calls.history(query))

    def watch(self, since: int | None = None, *, task: str | None = None) -> Watch:
        """Events as they are stored; the watch has begun when this returns."""
        from inspan.client.stream import Watch  # noqa: PLC0415  an eighth of the import

        way = self._way()
        if way is not None and task is not None and not calls.is_task(task):
            task = self.get(task).id

        def opened(after: int | None) -> Channel:
            return self._connections.upgrade(calls.watched(after, task))[0]

        return Watch(opened, since, way)

    def wait(self, task: str, timeout: float | None = None) -> Task:
        """The task once it rests: ended, interrupted, or in need of an answer or a verdict.

        After ``timeout`` seconds it is returned as it is; look at its state.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = calls.WAIT_STEP if end is None else max(0.0, end - time.monotonic())
            found = self._connections.ask(calls.wait(task, min(left, calls.WAIT_STEP)))
            if found.settled or (end is not None and time.monotonic() >= end):
                return found
            task = found.id

    # ── steering ──────────────────────────────────────────────────────────────

    def send(self, task: str, data: bytes) -> Stage:
        return self._connections.ask(calls.send(task, data))

    def prompt(self, task: str, text: str, *, key: str | None = None, wait: float = 0.0) -> Receipt:
        key, end = key or calls.new_key(), time.monotonic() + wait
        while True:
            left = max(0.0, end - time.monotonic())
            call = calls.prompt(task, text, key, min(left, calls.WAIT_STEP))
            receipt = self._connections.ask(call)
            if receipt.settled or time.monotonic() >= end:
                return receipt

    def answer(self, task: str, text: str, *, question: str | None = None) -> Task:
        return self._connections.ask(calls.answer(task, text, question))

    def interrupt(
        self, task: str, *, reason: str = "", by: str = "person", force: bool = False
    ) -> Task:
        return self._connections.ask(calls.interrupt(task, reason, by, force=force))

    def resume(
        self, task: str, *, budget: Budget | None = None, to: Handover | None = None
    ) -> Task:
        return self._connections.ask(calls.resume(task, budget, to, base=self._far))

    def cancel(self, task: str, *, reason: str = "", force: bool = False) -> Task:
        return self._connections.ask(calls.cancel(task, reason, force=force))

    def decide(
        self, task: str, verdict: Verdict, findings: Sequence[str] = (), *, by: str = "person"
    ) -> Task:
        return self._connections.ask(calls.decide(task, verdict, findings, by))

    def diff(self, task: str) -> str:
        return self._connections.ask(calls.diff(task))

    def replan(self, task: str, plan: GoalPlan, *, version: int, by: str = "person") -> Task:
        return self._connections.ask(calls.replan(task, plan, version, by))

    # ── sessions ──────────────────────────────────────────────────────────────

    def read(self, session: str, offset: int = 0, limit: int = 1 << 16) -> tuple[Chunk, ...]:
        return self._connections.ask(calls.read(session, offset, limit))

    def times(
        self, session: str, offset: int = 0, until: int | None = None, most: int = 1000
    ) -> Times:
        return self._connections.ask(calls.times(session, offset, until, most))

    def frame(self, session: str, offset: int = 0) -> Frame:
        return self._connections.ask(calls.frame(session, offset))

    def search(self, query: SearchQuery) -> Hits:
        return self._connections.ask(calls.search(query))

    def attach(
        self,
        session: str,
        *,
        offset: int = 0,
        writer: bool = False,
        steal: bool = False,
        answers: Answers = Answers.NONE,
    ) -> Terminal:
        """Follow a session from ``offset``; use it as a context manager, or close it.

        Who only reads is led back to a daemon that is lost; who types is told, since what was
        typed last may have arrived or not.
        """
        from inspan.client.stream import Terminal  # noqa: PLC0415  see above

        way = None if writer else self._way()
        if way is not None and not calls.is_session(session):
            session = self.get(session).session or session
        target = calls.terminal(session, offset, writer=writer, steal=steal, answers=answers)
        channel, reply = self._connections.upgrade(target)

        def opened(after: int) -> Channel:
            return self._connections.upgrade(calls.terminal(session, after, answers=answers))[0]

        return Terminal(channel, offset, calls.answers_from(reply), opened=opened, way=way)

    def _way(self) -> Way | None:
        if self._rejoin is None:
            return None
        from inspan.client.rejoin import Way  # noqa: PLC0415  see above

        return Way(self._rejoin, self._connections.address)

    # ── service ───────────────────────────────────────────────────────────────

    def health(self) -> Health:
        return self._connections.ask(calls.health())

    def metrics(self, query: MetricsQuery | None = None) -> Metrics:
        return self._connections.ask(calls.metrics(query))

    def prune(self, policy: PrunePolicy) -> Pruned:
        return self._connections.ask(calls.prune(policy))

    def workspaces(self) -> tuple[Place, ...]:
        return self._connections.ask(placecalls.workspaces())

    def restore_workspace(self, task: str) -> Place:
        return self._connections.ask(placecalls.restore_workspace(task))

    def sweep(self, policy: SweepPolicy) -> tuple[Swept, ...]:
        return self._connections.ask(placecalls.sweep(policy))

    def merge(self, task: str, asked: MergeRequest) -> MergeResult:
        return self._connections.ask(placecalls.merge(task, asked))

    def shutdown(self) -> None:
        """Tell the daemon to stop; what runs, runs on. Not a verb of Control."""
        self._connections.ask(calls.shutdown())
        self.close()
