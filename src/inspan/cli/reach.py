"""How a verb gets hold of Control: over the daemon's socket, starting the daemon where it is not.

The Protocols say what the CLI needs of it, so that the daemon's client and the engine in this
very process (``run --here``) serve alike.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from inspan.cli import afar
from inspan.model.budget import Budget
from inspan.model.session import Answers

if TYPE_CHECKING:
    from pathlib import Path

    from inspan.client.address import Address
    from inspan.client.rejoin import Rejoin
    from inspan.client.sync import SyncControl
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
    from inspan.model.session import Chunk, Hits
    from inspan.model.task import Handover, Task, TaskSpec, Verdict
    from inspan.settings import Places, Settings


class Attached(Protocol):
    """A session that is followed."""

    def __iter__(self) -> Iterator[Chunk]: ...
    def recv(self, timeout: float | None = None) -> Chunk | None:
        """The next chunk; ``None`` when nothing came in time, or nothing more will."""
        ...

    def write(self, data: bytes) -> None:
        """Type; empty ``data`` ends the input."""
        ...

    def resize(self, cols: int, rows: int) -> None:
        """Change the size of the terminal."""
        ...

    @property
    def answers_from(self) -> int | None:
        """The offset behind which the writer's own terminal answers; ``None``: it never does."""
        ...

    def leave(self, shown: int) -> None:
        """Be a reader from now on. What is asked behind ``shown`` bytes inspan answers again."""
        ...

    def fileno(self) -> int:
        """Readable when something may have come."""
        ...


class Watched(Protocol):
    """Events as they are stored."""

    def recv(self, timeout: float | None = None) -> Event | None:
        """The next event; ``None`` when none came in time, or none will."""
        ...

    def fileno(self) -> int:
        """Readable when something has come; ask ``recv(0)`` until it gives nothing first."""
        ...

    def close(self) -> None:
        """Leave the stream."""
        ...


class Reached(Protocol):
    """Control, in the blocking form that the CLI uses."""

    def submit(self, spec: TaskSpec, *, key: str | None = None) -> Task: ...
    def submit_all(
        self, specs: Sequence[TaskSpec], *, key: str | None = None
    ) -> tuple[Task, ...]: ...
    def get(self, task: str) -> Task: ...
    def list(self, query: TaskQuery) -> TaskPage: ...
    def activity(self, task: str) -> Activity: ...
    def history(self, query: EventQuery) -> tuple[Event, ...]: ...
    def watch(self, since: int | None = None, *, task: str | None = None) -> Watched: ...
    def wait(self, task: str, timeout: float | None = None) -> Task: ...
    def send(self, task: str, data: bytes) -> Stage: ...
    def prompt(
        self, task: str, text: str, *, key: str | None = None, wait: float = 0.0
    ) -> Receipt: ...
    def answer(self, task: str, text: str, *, question: str | None = None) -> Task: ...
    def interrupt(
        self, task: str, *, reason: str = "", by: str = "person", force: bool = False
    ) -> Task: ...
    def resume(
        self, task: str, *, budget: Budget | None = None, to: Handover | None = None
    ) -> Task: ...
    def cancel(self, task: str, *, reason: str = "", force: bool = False) -> Task: ...
    def decide(
        self, task: str, verdict: Verdict, findings: Sequence[str] = (), *, by: str = "person"
    ) -> Task: ...
    def diff(self, task: str) -> str: ...
    def replan(self, task: str, plan: GoalPlan, *, version: int, by: str = "person") -> Task: ...
    def read(self, session: str, offset: int = 0, limit: int = 1 << 16) -> tuple[Chunk, ...]: ...
    def search(self, query: SearchQuery) -> Hits: ...
    def attach(
        self,
        session: str,
        *,
        offset: int = 0,
        writer: bool = False,
        steal: bool = False,
        answers: Answers = Answers.NONE,
    ) -> AbstractContextManager[Attached]: ...
    def health(self) -> Health: ...
    def metrics(self, query: MetricsQuery) -> Metrics: ...
    def prune(self, policy: PrunePolicy) -> Pruned: ...
    def workspaces(self) -> tuple[Place, ...]: ...
    def restore_workspace(self, task: str) -> Place: ...
    def sweep(self, policy: SweepPolicy) -> tuple[Swept, ...]: ...
    def merge(self, task: str, asked: MergeRequest) -> MergeResult: ...


def places() -> Places:
    """Where things are for this command."""
    from inspan.settings.places import locate

    return locate(os.environ)


def settings() -> Settings:
    """How inspan is set."""
    from inspan.settings.values import load

    where = places()
    return load(where.settings, where.state)


@contextmanager
def control(*, here: bool = False, flags: Sequence[str] = ()) -> Iterator[Reached]:
    """Control for one command; the daemon is started, with ``flags``, where it does not run.

    Raises DaemonUnreachable where it cannot be started.
    """
    if here:
        afar.refuse("--here runs it in this process", "Leave --here or --host out.")
        from inspan.cli.inprocess import opened
        from inspan.errors import StoreLocked

        try:
            with opened(places()) as inside:
                yield inside
        except StoreLocked as error:
            hint = "A daemon is at work here: leave --here out, or use another INSPAN_HOME."
            raise StoreLocked(error.message, hint=hint) from error
        return
    with _connected(flags) as client:
        yield client


def connect() -> SyncControl:
    """A client of a daemon that answers, with no connection yet that somebody must close."""
    client = _connected()
    client.close()
    return client


def _connected(flags: Sequence[str] = ()) -> SyncControl:
    from inspan.client.sync import SyncControl

    if (there := afar.address()) is not None:
        return SyncControl(there)
    where = places()
    client = SyncControl(where.door)
    if not client.reach():
        from inspan.client.launch import launch

        where.prepare()
        launch(where.daemon_socket, where.state_dir, where.logs, flags=flags)
    return client


def address() -> Address:
    """Where the daemon is."""
    from inspan.client.address import own

    return afar.address() or own(places().door)


def ensure() -> None:
    """Start the daemon where it does not run; one elsewhere is never started."""
    if afar.address() is None and not answers(places().daemon_socket):
        connect()


def runs() -> bool:
    """True where a daemon takes connections; none is started."""
    from inspan.client.sync import SyncControl

    with SyncControl(address()) as client:
        return client.reach()


def answers(path: Path) -> bool:
    """True where somebody listens on the socket ``path``."""
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        try:
            link.connect(str(path))
        except OSError:
            return False
        return True


def again(control: Reached, *, patient: bool = False) -> Reached:
    """Control after the daemon was lost; the engine in this process cannot be lost.

    ``patient``: one that is elsewhere is tried for ever, and that is said.
    Raises DaemonUnreachable where it was told to stop and no other came.
    """
    from inspan.client.sync import SyncControl

    return successor(patient=patient) if isinstance(control, SyncControl) else control


def successor(*, patient: bool = False) -> SyncControl:
    """A client of the daemon that comes after one that was lost. See ``again``."""
    from inspan.client.rejoin import Way
    from inspan.client.sync import SyncControl
    from inspan.errors import DaemonUnreachable

    client = SyncControl(address())

    def anew() -> None:
        if not client.reach():
            raise DaemonUnreachable(f"no daemon answers at {client.address.url}")

    lost = DaemonUnreachable("the daemon went away")
    Way(rejoin(patient=patient), client.address).back(lost, anew)
    return client


def lasting(control: Reached) -> Reached:
    """The same, with streams that find back to a daemon that was lost; see ``again``, patient."""
    from inspan.client.sync import SyncControl

    if not isinstance(control, SyncControl):
        return control
    return SyncControl(control.address, rejoin(patient=True))


def rejoin(*, patient: bool = False) -> Rejoin:
    """How a daemon that was lost is looked for; ours is started, where nobody told it to stop."""
    from functools import partial

    from inspan.client.launch import launch
    from inspan.client.rejoin import TRIES, Rejoin

    where, far = places(), afar.address() is not None
    return Rejoin(
        settings().timeouts.reconnect,
        None if far and patient else TRIES,
        None if far else partial(launch, where.daemon_socket, where.state_dir, where.logs),
        _say if patient else None,
    )


def _say(text: str) -> None:
    """On a line of its own, whatever a terminal that is raw now does with the end of one."""
    import sys

    end = "\r\n" if sys.stderr.isatty() else "\n"
    print(f"inspan: {text}", file=sys.stderr, end=end, flush=True)


def connector(control: Reached) -> Callable[[], Reached]:
    """What gives Control anew, for whoever may have to ask again, or from another thread."""
    from inspan.client.sync import SyncControl

    def reached() -> SyncControl:
        client = SyncControl(address())
        return client if client.reach() else successor()

    return lambda: reached() if isinstance(control, SyncControl) else control
