"""The engine in this very process, in the blocking form that the CLI uses (``run --here``).

An event loop runs in a thread of its own; each verb is handed over to it and waited for. What a
session prints is handed back through a queue of one chunk at a time, so nothing piles up.
"""

from __future__ import annotations

import os
import queue
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from inspan.errors import InspanError
from inspan.model.budget import Budget
from inspan.model.session import Answers
from inspan.model.task import Handover, Task

if TYPE_CHECKING:
    from inspan.control import (
        Control,
        EventQuery,
        Health,
        Pruned,
        PrunePolicy,
        SearchQuery,
        TaskPage,
        TaskQuery,
        Terminal,
    )
    from inspan.model.activity import Activity
    from inspan.model.event import Event
    from inspan.model.goal import GoalPlan
    from inspan.model.merging import MergeRequest, MergeResult
    from inspan.model.metrics import Metrics, MetricsQuery
    from inspan.model.place import Place, SweepPolicy, Swept
    from inspan.model.receipt import Receipt, Stage
    from inspan.model.session import Chunk, Hits
    from inspan.model.task import Handover, TaskSpec, Verdict
    from inspan.settings import Places

T = TypeVar("T")


@contextmanager
def opened(places: Places) -> Iterator[InProcess]:
    """An engine over ``places`` for the length of a block. Raises StoreLocked."""
    from inspan.app import here

    with (
        start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(here(places)) as control,
    ):
        yield InProcess(portal, control)


class InProcess:
    """Control, one verb at a time."""

    def __init__(self, portal: BlockingPortal, control: Control) -> None:
        self._portal = portal
        self._control = control

    def _do(self, verb: Callable[..., Any], *args: Any, **named: Any) -> Any:
        return self._portal.call(lambda: verb(*args, **named))

    def submit(self, spec: TaskSpec, *, key: str | None = None) -> Task:
        task: Task = self._do(self._control.submit, spec, key=key)
        return task

    def submit_all(self, specs: Sequence[TaskSpec], *, key: str | None = None) -> tuple[Task, ...]:
        tasks: tuple[Task, ...] = self._do(self._control.submit_all, specs, key=key)
        return tasks

    def get(self, task: str) -> Task:
        found: Task = self._do(self._control.get, task)
        return found

    def list(self, query: TaskQuery) -> TaskPage:
        page: TaskPage = self._do(self._control.list, query)
        return page

    def history(self, query: EventQuery) -> tuple[Event, ...]:
        events: tuple[Event, ...] = self._do(self._control.history, query)
        return events

    def watch(self, since: int | None = None, *, task: str | None = None) -> Stream[Event]:
        return Stream(self._portal, self._control.watch(since, task=task))

    def wait(self, task: str, timeout: float | None = None) -> Task:
        found = self.get(task)
        stream = self.watch(found.seq, task=found.id)
        try:
            while not found.settled and stream.recv(timeout) is not None:
                found = self.get(found.id)
        finally:
            stream.close()
        return found

    def send(self, task: str, data: bytes) -> Stage:
        stage: Stage = self._do(self._control.send, task, data)
        return stage

    def prompt(self, task: str, text: str, *, key: str | None = None, wait: float = 0.0) -> Receipt:
        receipt: Receipt = self._do(self._control.prompt, task, text, key=key, wait=wait)
        return receipt

    def activity(self, task: str) -> Activity:
        found: Activity = self._do(self._control.activity, task)
        return found

    def answer(self, task: str, text: str, *, question: str | None = None) -> Task:
        found: Task = self._do(self._control.answer, task, text, question=question)
        return found

    def interrupt(
        self, task: str, *, reason: str = "", by: str = "person", force: bool = False
    ) -> Task:
        found: Task = self._do(self._control.interrupt, task, reason=reason, by=by, force=force)
        return found

    def resume(
        self, task: str, *, budget: Budget | None = None, to: Handover | None = None
    ) -> Task:
        found: Task = self._do(self._control.resume, task, budget=budget, to=to)
        return found

    def cancel(self, task: str, *, reason: str = "", force: bool = False) -> Task:
        found: Task = self._do(self._control.cancel, task, reason=reason, force=force)
        return found

    def decide(
        self, task: str, verdict: Verdict, findings: Sequence[str] = (), *, by: str = "person"
    ) -> Task:
        found: Task = self._do(self._control.decide, task, verdict, findings, by=by)
        return found

    def diff(self, task: str) -> str:
        patch: str = self._do(self._control.diff, task)
        return patch

    def replan(self, task: str, plan: GoalPlan, *, version: int, by: str = "person") -> Task:
        found: Task = self._do(self._control.replan, task, plan, version=version, by=by)
        return found

    def read(self, session: str, offset: int = 0, limit: int = 1 << 16) -> tuple[Chunk, ...]:
        chunks: tuple[Chunk, ...] = self._do(self._control.read, session, offset, limit)
        return chunks

    def search(self, query: SearchQuery) -> Hits:
        hits: Hits = self._do(self._control.search, query)
        return hits

    @contextmanager
    def attach(
        self,
        session: str,
        *,
        offset: int = 0,
        writer: bool = False,
        steal: bool = False,
        answers: Answers = Answers.NONE,
    ) -> Iterator[Held]:
        attached = self._control.attach(
            session, offset=offset, writer=writer, steal=steal, answers=answers
        )
        with self._portal.wrap_async_context_manager(attached) as terminal:
            held = Held(self._portal, terminal)
            try:
                yield held
            finally:
                held.close()

    def health(self) -> Health:
        health: Health = self._do(self._control.health)
        return health

    def metrics(self, query: MetricsQuery) -> Metrics:
        metrics: Metrics = self._do(self._control.metrics, query)
        return metrics

    def prune(self, policy: PrunePolicy) -> Pruned:
        pruned: Pruned = self._do(self._control.prune, policy)
        return pruned

    def workspaces(self) -> tuple[Place, ...]:
        places: tuple[Place, ...] = self._do(self._control.workspaces)
        return places

    def restore_workspace(self, task: str) -> Place:
        place: Place = self._do(self._control.restore_workspace, task)
        return place

    def sweep(self, policy: SweepPolicy) -> tuple[Swept, ...]:
        swept: tuple[Swept, ...] = self._do(self._control.sweep, policy)
        return swept

    def merge(self, task: str, asked: MergeRequest) -> MergeResult:
        result: MergeResult = self._do(self._control.merge, task, asked)
        return result


class Stream(Generic[T]):
    """An async iterator from the outside; readable on ``fileno`` when an item waits."""

    def __init__(self, portal: BlockingPortal, source: AsyncIterator[T]) -> None:
        #: One item: the source is asked for the next when this one is taken.
        self._queue: queue.Queue[T | InspanError | None] = queue.Queue(1)
        self._read, self._write = os.pipe()
        self._over = False
        self._future: Future[None] = portal.start_task_soon(self._pull, source)

    async def _pull(self, source: AsyncIterator[T]) -> None:
        from anyio.to_thread import run_sync

        try:
            async for item in source:
                await run_sync(self._put, item, abandon_on_cancel=True)
        except InspanError as error:
            await run_sync(self._put, error, abandon_on_cancel=True)
        else:
            await run_sync(self._put, None, abandon_on_cancel=True)

    def _put(self, item: T | InspanError | None) -> None:
        while not self._over:
            with suppress(queue.Full):
                self._queue.put(item, timeout=0.2)
                os.write(self._write, b"\0")
                return

    def recv(self, timeout: float | None = None) -> T | None:
        """The next item; ``None`` when none came in time, or none will."""
        try:
            item = self._queue.get(timeout is None or timeout > 0, timeout or None)
        except queue.Empty:
            return None
        os.read(self._read, 1)
        if isinstance(item, InspanError):
            raise item
        return item

    def fileno(self) -> int:
        """For ``select``."""
        return self._read

    def close(self) -> None:
        """Stop asking."""
        self._over = True
        self._future.cancel()
        with suppress(CancelledError, InspanError):
            self._future.result()
        os.close(self._read)
        os.close(self._write)


class Held:
    """An attached session, one call at a time."""

    def __init__(self, portal: BlockingPortal, terminal: Terminal) -> None:
        self._portal = portal
        self._terminal = terminal
        self._chunks: Stream[Chunk] = Stream(portal, aiter(terminal))

    def __iter__(self) -> Iterator[Chunk]:
        while (chunk := self._chunks.recv()) is not None:
            yield chunk

    def recv(self, timeout: float | None = None) -> Chunk | None:
        """The next chunk; ``None`` when none came in time, or none will."""
        return self._chunks.recv(timeout)

    def write(self, data: bytes) -> None:
        """Type; empty ``data`` ends the input."""
        self._portal.call(self._terminal.write, data)

    def resize(self, cols: int, rows: int) -> None:
        """Change the size of the terminal."""
        self._portal.call(self._terminal.resize, cols, rows)

    @property
    def answers_from(self) -> int | None:
        """The offset behind which the writer's own terminal answers; ``None``: it never does."""
        return self._terminal.answers_from

    def leave(self, shown: int) -> None:
        """Be a reader from now on. What is asked behind ``shown`` bytes inspan answers again."""
        self._portal.call(self._terminal.leave, shown)

    def fileno(self) -> int:
        """Readable when something has come."""
        return self._chunks.fileno()

    def close(self) -> None:
        """Stop following."""
        self._chunks.close()
