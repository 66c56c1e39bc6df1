"""Every Control there is, each with the hand that makes its processes do what a test says."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import anyio
import anyio.to_thread
import trustme

from inspan import __version__
from inspan.client.address import Address, parse
from inspan.client.remote import RemoteControl
from inspan.client.stream import Terminal, Watch
from inspan.client.sync import SyncControl
from inspan.control import (
    Code,
    Control,
    EventQuery,
    Health,
    Pruned,
    PrunePolicy,
    SearchQuery,
    TaskPage,
    TaskQuery,
)
from inspan.model.activity import Activity
from inspan.model.budget import Budget
from inspan.model.code import CodeSpec
from inspan.model.event import Event
from inspan.model.goal import GoalPlan
from inspan.model.listen import Listen
from inspan.model.merging import MergeRequest, MergeResult
from inspan.model.metrics import Metrics, MetricsQuery
from inspan.model.place import Place, SweepPolicy, Swept
from inspan.model.receipt import Receipt, Stage
from inspan.model.session import Answers, Chunk, Frame, Hits, Times
from inspan.model.task import TERMINAL, Handover, Task, TaskSpec, TaskState, Verdict
from inspan.model.timeouts import DEFAULT
from inspan.server.audit import Audit
from inspan.server.net import Network, bound
from inspan.server.serve import serve
from inspan.server.tokens import Tokens
from inspan.server.visitor import Scope
from tests.fakes.control import FakeControl
from tests.fakes.puppets import engine_hand, lone_engine
from tests.fakes.threadedcode import BEAT, ThreadedCode

T = TypeVar("T")


class Hand(Protocol):
    """A Control under test, and the processes behind it."""

    @property
    def control(self) -> Control: ...

    @property
    def spec(self) -> TaskSpec:
        """Something that can be submitted and, once started, does as the hand says."""
        ...

    async def start(self, task: Task) -> None:
        """Return once an attempt of the task runs."""
        ...

    async def prints(self, task: Task, data: bytes, *, stream: str = "out") -> None:
        """Its process prints, and that is recorded."""
        ...

    async def asks(self, task: Task, question: str) -> None:
        """Its process waits for a person."""
        ...

    async def ends(self, task: Task, code: int = 0) -> None:
        """Its process ends."""
        ...


class FakeHand:
    """The hand of a FakeControl, however far from it the test stands."""

    def __init__(self, fake: FakeControl, control: Control) -> None:
        self.fake = fake
        self.control = control
        self.spec = TaskSpec(command=("work", "--hard"), cwd="/", env={"PATH": "/bin"})

    async def start(self, task: Task) -> None:
        self.fake.start(task.id)

    async def prints(self, task: Task, data: bytes, *, stream: str = "out") -> None:
        self.fake.prints(task.id, data, stream=stream)

    async def asks(self, task: Task, question: str) -> None:
        self.fake.asks(task.id, question)

    async def ends(self, task: Task, code: int = 0) -> None:
        self.fake.ends(task.id, code)


@asynccontextmanager
async def in_memory() -> AsyncIterator[FakeHand]:
    """The fake itself."""
    fake = FakeControl()
    yield FakeHand(fake, fake)


@asynccontextmanager
async def served(
    control: Control,
    *,
    version: str = __version__,
    network: Network | None = None,
    ping: float = DEFAULT.ping,
    pong: float = DEFAULT.pong,
) -> AsyncIterator[Path]:
    """The socket behind which ``control`` is served, and on the network if there is one."""
    stop, ready = anyio.Event(), anyio.Event()
    # Not pytest's folder: a socket's path is short.
    with tempfile.TemporaryDirectory(prefix="inspan-") as folder:
        socket = Path(folder) / "run" / "daemon.sock"
        async with anyio.create_task_group() as group:
            group.start_soon(
                partial(
                    serve,
                    control,
                    socket,
                    version=version,
                    audit=Audit(Path(folder) / "audit.jsonl"),
                    on_ready=ready.set,
                    shutdown_event=stop,
                    network=network,
                    ping=ping,
                    pong=pong,
                )
            )
            with anyio.fail_after(20):
                await ready.wait()
            try:
                yield socket
            finally:
                stop.set()


@asynccontextmanager
async def over_the_wire() -> AsyncIterator[FakeHand]:
    """The fake behind the server, through the asynchronous client."""
    fake = FakeControl()
    async with served(fake) as socket, RemoteControl.connect(socket) as control:
        yield FakeHand(fake, control)


@asynccontextmanager
async def from_a_thread() -> AsyncIterator[FakeHand]:
    """The fake behind the server, through the blocking client in threads."""
    fake = FakeControl()
    async with served(fake) as socket:
        with SyncControl(socket) as blocking:
            yield FakeHand(fake, Threaded(blocking))


@asynccontextmanager
async def by_a_port() -> AsyncIterator[FakeHand]:
    """The fake behind the gate of the network, through the asynchronous client with a token."""
    fake = FakeControl()
    async with networked(fake) as there, RemoteControl.connect(there) as control:
        yield FakeHand(fake, control)


@asynccontextmanager
async def by_tls() -> AsyncIterator[FakeHand]:
    """The same encrypted, through the blocking client in threads."""
    fake = FakeControl()
    async with networked(fake, tls=True) as there:
        with SyncControl(there) as blocking:
            yield FakeHand(fake, Threaded(blocking))


@asynccontextmanager
async def networked(control: Control, *, tls: bool = False) -> AsyncIterator[Address]:
    """The address at which ``control`` is served, with a token that may do everything."""
    with tempfile.TemporaryDirectory(prefix="inspan-") as folder:
        cert = certificate(Path(folder)) if tls else None
        tokens = Tokens(Path(folder) / "tokens.json")
        token = tokens.make("contract", [Scope.ADMIN], now=time.time(), ends=None)
        listen = Listen(host="127.0.0.1", port=0, cert=cert and cert.cert, key=cert and cert.key)
        with bound(listen, tokens) as network:
            async with served(control, network=network):
                yield parse(network.url, token=token, ca=cert and cert.ca)


class Certificate(NamedTuple):
    """Files in PEM: one that stands for 127.0.0.1, its key, and who issued it."""

    cert: str
    key: str
    ca: str


def certificate(folder: Path) -> Certificate:
    """A new one, by an authority of its own."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    made = Certificate(*(str(folder / name) for name in ("cert.pem", "key.pem", "ca.pem")))
    issued.cert_chain_pems[0].write_to_path(made.cert)
    issued.private_key_pem.write_to_path(made.key)
    authority.cert_pem.write_to_path(made.ca)
    return made


async def _run(call: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(call)


class Threaded:
    """``control.Control`` of a SyncControl, each call in a thread."""

    def __init__(self, blocking: SyncControl) -> None:
        self._to = blocking
        self.code = ThreadedCode(blocking.code)

    async def submit(self, spec: TaskSpec, *, key: str | None = None) -> Task:
        return await _run(partial(self._to.submit, spec, key=key))

    async def submit_all(
        self, specs: Sequence[TaskSpec], *, key: str | None = None
    ) -> tuple[Task, ...]:
        return await _run(partial(self._to.submit_all, specs, key=key))

    async def get(self, task: str) -> Task:
        return await _run(partial(self._to.get, task))

    async def list(self, query: TaskQuery = TaskQuery()) -> TaskPage:
        return await _run(partial(self._to.list, query))

    async def activity(self, task: str) -> Activity:
        return await _run(partial(self._to.activity, task))

    async def history(self, query: EventQuery = EventQuery()) -> tuple[Event, ...]:
        return await _run(partial(self._to.history, query))

    async def watch(
        self, since: int | None = None, *, task: str | None = None
    ) -> AsyncGenerator[Event, None]:
        watch: Watch = await _run(partial(self._to.watch, since, task=task))
        with watch:
            while True:
                event = await _run(partial(watch.recv, BEAT))
                if event is not None:
                    yield event

    async def send(self, task: str, data: bytes) -> Stage:
        return await _run(partial(self._to.send, task, data))

    async def prompt(
        self, task: str, text: str, *, key: str | None = None, wait: float = 0.0
    ) -> Receipt:
        return await _run(partial(self._to.prompt, task, text, key=key, wait=wait))

    async def answer(self, task: str, text: str, *, question: str | None = None) -> Task:
        return await _run(partial(self._to.answer, task, text, question=question))

    async def interrupt(
        self, task: str, *, reason: str = "", by: str = "person", force: bool = False
    ) -> Task:
        return await _run(partial(self._to.interrupt, task, reason=reason, by=by, force=force))

    async def resume(
        self, task: str, *, budget: Budget | None = None, to: Handover | None = None
    ) -> Task:
        return await _run(partial(self._to.resume, task, budget=budget, to=to))

    async def cancel(self, task: str, *, reason: str = "", force: bool = False) -> Task:
        return await _run(partial(self._to.cancel, task, reason=reason, force=force))

    async def decide(
        self, task: str, verdict: Verdict, findings: Sequence[str] = (), *, by: str = "person"
    ) -> Task:
        return await _run(partial(self._to.decide, task, verdict, findings, by=by))

    async def diff(self, task: str) -> str:
        return await _run(partial(self._to.diff, task))

    async def replan(self, task: str, plan: GoalPlan, *, version: int, by: str = "person") -> Task:
        return await _run(partial(self._to.replan, task, plan, version=version, by=by))

    async def read(self, session: str, offset: int = 0, limit: int = 1 << 16) -> tuple[Chunk, ...]:
        return await _run(partial(self._to.read, session, offset, limit))

    async def times(
        self, session: str, offset: int = 0, until: int | None = None, most: int = 1000
    ) -> Times:
        return await _run(partial(self._to.times, session, offset, until, most))

    async def frame(self, session: str, offset: int = 0) -> Frame:
        return await _run(partial(self._to.frame, session, offset))

    async def search(self, query: SearchQuery) -> Hits:
        return await _run(partial(self._to.search, query))

    @asynccontextmanager
    async def attach(
        self,
        session: str,
        *,
        offset: int = 0,
        writer: bool = False,
        steal: bool = False,
        answers: Answers = Answers.NONE,
    ) -> AsyncIterator[ThreadedTerminal]:
        call = partial(
            self._to.attach, session, offset=offset, writer=writer, steal=steal, answers=answers
        )
        with await _run(call) as terminal:
            yield ThreadedTerminal(terminal)

    async def health(self) -> Health:
        return await _run(self._to.health)

    async def metrics(self, query: MetricsQuery = MetricsQuery()) -> Metrics:
        return await _run(partial(self._to.metrics, query))

    async def prune(self, policy: PrunePolicy) -> Pruned:
        return await _run(partial(self._to.prune, policy))

    async def workspaces(self) -> tuple[Place, ...]:
        return await _run(self._to.workspaces)

    async def restore_workspace(self, task: str) -> Place:
        return await _run(partial(self._to.restore_workspace, task))

    async def sweep(self, policy: SweepPolicy) -> tuple[Swept, ...]:
        return await _run(partial(self._to.sweep, policy))

    async def merge(self, task: str, asked: MergeRequest) -> MergeResult:
        return await _run(partial(self._to.merge, task, asked))


class ThreadedTerminal:
    """``control.Terminal`` of a blocking one; used by one task at a time."""

    def __init__(self, terminal: Terminal) -> None:
        self._to = terminal

    @property
    def answers_from(self) -> int | None:
        return self._to.answers_from

    async def leave(self, shown: int) -> None:
        await _run(partial(self._to.leave, shown))

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        while not self._to.ended:
            chunk = await _run(partial(self._to.recv, BEAT))
            if chunk is not None:
                yield chunk

    async def write(self, data: bytes) -> None:
        await _run(partial(self._to.write, data))

    async def resize(self, cols: int, rows: int) -> None:
        await _run(partial(self._to.resize, cols, rows))


Factory = Callable[[], AbstractAsyncContextManager[Hand]]

#: Name and factory of every Control; the contract suite runs over each.
CONTROLS: tuple[tuple[str, Factory], ...] = (
    ("in memory", in_memory),
    ("over the wire", over_the_wire),
    ("from a thread", from_a_thread),
    ("by a port", by_a_port),
    ("by TLS", by_tls),
    ("engine", engine_hand),
)


class CodeHand:
    """A ``control.Code`` under test, and what can be opened in it."""

    def __init__(self, code: Code, spec: CodeSpec) -> None:
        self.code = code
        self.spec = spec


@asynccontextmanager
async def code_in_memory() -> AsyncIterator[CodeHand]:
    """The engine's verbs over fakes."""
    yield CodeHand(FakeControl().code, CodeSpec(cwd="/"))


@asynccontextmanager
async def code_of_an_engine() -> AsyncIterator[CodeHand]:
    """A whole engine of its own, with real workers."""
    async with lone_engine() as (running, _):
        yield CodeHand(running.code, CodeSpec(cwd="/", env={"PATH": os.environ["PATH"]}))


@asynccontextmanager
async def code_over_the_wire() -> AsyncIterator[CodeHand]:
    """The same behind the server, through the asynchronous client."""
    async with served(FakeControl()) as socket, RemoteControl.connect(socket) as control:
        yield CodeHand(control.code, CodeSpec(cwd="/"))


@asynccontextmanager
async def code_from_a_thread() -> AsyncIterator[CodeHand]:
    """The same behind the server, through the blocking client in threads."""
    async with served(FakeControl()) as socket:
        with SyncControl(socket) as blocking:
            yield CodeHand(ThreadedCode(blocking.code), CodeSpec(cwd="/"))


@asynccontextmanager
async def code_by_tls() -> AsyncIterator[CodeHand]:
    """The same by the network, encrypted, through the asynchronous client."""
    async with (
        networked(FakeControl(), tls=True) as there,
        RemoteControl.connect(there) as control,
    ):
        yield CodeHand(control.code, CodeSpec(cwd="/"))


@asynccontextmanager
async def code_by_a_port() -> AsyncIterator[CodeHand]:
    """The same by the network, through the blocking client in threads."""
    async with networked(FakeControl()) as there:
        with SyncControl(there) as blocking:
            yield CodeHand(ThreadedCode(blocking.code), CodeSpec(cwd="/"))


CodeFactory = Callable[[], AbstractAsyncContextManager[CodeHand]]

#: Name and factory of every Code; the contract suite runs over each.
CODES: tuple[tuple[str, CodeFactory], ...] = (
    ("in memory", code_in_memory),
    ("engine", code_of_an_engine),
    ("over the wire", code_over_the_wire),
    ("from a thread", code_from_a_thread),
    ("by a port", code_by_a_port),
    ("by TLS", code_by_tls),
)


async def reached(control: Control, task: Task, *states: TaskState) -> Task:
    """The task once it is in one of ``states``."""
    async for _ in control.watch(0, task=task.id):
        found = await control.get(task.id)
        if found.state in states:
            return found
    raise AssertionError("a watch ended by itself")


async def running(hand: Hand) -> Task:
    """A new task, at work."""
    task = await hand.control.submit(hand.spec)
    await hand.start(task)
    return await reached(hand.control, task, TaskState.RUNNING)


async def ended(hand: Hand, code: int = 0) -> Task:
    """A new task that has ended with ``code``."""
    task = await running(hand)
    await hand.ends(task, code)
    return await reached(hand.control, task, *TERMINAL)
