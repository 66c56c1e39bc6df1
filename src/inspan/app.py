"""The application: the only file that names concrete classes and joins them to the ports.

``engine`` is what the daemon runs, and one process without a daemon (``here``); ``connect`` leads
to the daemon, and ``code`` is a Python session of its own. What is heavy is imported where it is
needed.
"""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol

import anyio
from anyio.abc import TaskStatus

from inspan import __version__
from inspan.clock import SystemClock
from inspan.control import Control, Health, Process
from inspan.engine.code.alone import Alone, Person
from inspan.engine.code.ports import CodePorts
from inspan.engine.engine import Engine
from inspan.engine.ports import Ports
from inspan.engine.rules import Rules
from inspan.errors import InspanError, KeeperLost
from inspan.model.ids import ulid
from inspan.model.patience import Backoff, Waits
from inspan.model.timeouts import Timeouts
from inspan.model.trace import handed
from inspan.monitor.freememory import free_memory
from inspan.monitor.monitor import PerformanceMonitor
from inspan.providers.drawing import Drawing
from inspan.providers.keeping import Keeping
from inspan.providers.login import Logins
from inspan.providers.process import Processes
from inspan.providers.python import Folders, PythonProvider
from inspan.providers.registry import Providers, all_kept
from inspan.providers.sandbox import Sandboxes
from inspan.providers.screens import Screens
from inspan.providers.web import HttpWeb
from inspan.settings import Places, Settings, TimeoutsFile, load, locate, reviews
from inspan.settings.catalogue import Catalogue
from inspan.settings.heeded import Heeded
from inspan.settings.secrets import Secrets
from inspan.store.recordings import Recordings
from inspan.store.sqlite import SqliteStore
from inspan.store.transcripts import Transcripts
from inspan.workspaces.places import Workspaces

if TYPE_CHECKING:
    from inspan.kernel.host.answers import Answer
    from inspan.kernel.host.folder import PrivateFolder
    from inspan.kernel.host.session import KernelSession
    from inspan.model.code import CodeLimits, Grants
    from inspan.model.notice import Target
    from inspan.notices.reaching import Way
    from inspan.server.guestkeys import GuestKeys
    from inspan.settings.tracing import Tracing
    from inspan.tracing.traces import Traces

#: What somebody else has to warn of.
Warnings = Callable[[], Iterable[str]]
#: Free bytes on the disk of the state directory below which health says so.
_LITTLE_ROOM: Final = 1 << 30


class Guest(Protocol):
    """Somebody who listens by Control, and has no part in what happens."""

    def warnings(self) -> Iterator[str]:
        """What is amiss with it."""
        ...

    async def run(
        self, control: Control, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Listen, until cancelled."""
        ...


class DaemonVitals:
    """``ports.Vitals`` of this process and its keeper."""

    def __init__(
        self,
        places: Places,
        keeping: Keeping,
        timeouts: TimeoutsFile,
        url: str | None,
        warnings: Warnings,
    ) -> None:
        self._url = url
        self._more = warnings
        self._places = places
        self._keeping = keeping
        self._timeouts = timeouts
        self._config = Heeded(places.config)
        self._started_at = time.time()

    async def look(self, sessions: int, counts: dict[str, int]) -> Health:
        own = Process(os.getpid(), __version__, self._started_at, _rss(os.getpid()))
        return Health(
            daemon=own,
            keeper=await self._keeper(),
            state_dir=str(self._places.state_dir),
            socket=str(self._places.daemon_socket),
            sqlite=sqlite3.sqlite_version,
            python=platform.python_version(),
            sessions=sessions,
            counts=counts,
            url=self._url,
            warnings=tuple(self._warnings()),
        )

    def _warnings(self) -> Iterator[str]:
        free = shutil.disk_usage(self._places.state_dir).free
        if free < _LITTLE_ROOM:
            where = self._places.state_dir
            yield f"only {free >> 20} MB are free in {where}; `inspan prune` makes room"
        if self._timeouts.warning:
            yield self._timeouts.warning
        if self._config.warning:
            yield self._config.warning
        yield from self._more()

    async def _keeper(self) -> Process | None:
        try:
            client = await self._keeping.client()
        except InspanError:
            return None
        return Process(client.pid, f"wire {client.version}", client.started_at, _rss(client.pid))


@asynccontextmanager
async def engine(
    places: Places,
    settings: Settings,
    url: str | None = None,
    warnings: Warnings = tuple,
    guests: GuestKeys | None = None,
) -> AsyncIterator[Engine]:
    """An engine over the state in ``places``, reached at ``url``, at work until the block is left.

    ``warnings``: what health warns of beside what the engine knows. ``guests``: the tokens of
    agents that may hand in tasks, where there is a door for them.
    Raises StoreLocked where another process has that state, and what opening a store raises.
    """
    timeouts = TimeoutsFile(places.timeouts)
    places.prepare()
    keeping = Keeping(places.keeper_socket, places.state_dir)
    store = await _opened(places, keeping)
    clock = SystemClock()
    transcripts = Transcripts(places.transcripts, cap=settings.recording.cap)
    python = PythonProvider(_folders(places), keeping, clock)
    code = CodePorts(
        store=store, provider=python, transcripts=transcripts, web=HttpWeb(), clock=clock
    )
    processes = Processes(
        keeping.client,
        places.recordings,
        Screens(clock),
        look_up=Secrets(places.secrets, os.environ).look_up,
        sandboxes=_sandboxes(places, settings),
        cap=settings.recording.cap,
        marks=handed if settings.tracing else None,
        guests=None if guests is None else guests.variables,
    )
    logins = Logins(clock, lambda: timeouts.now().login)
    disks = {"state": places.state_dir, "recordings": places.recordings}
    monitor = PerformanceMonitor(clock, Drawing(keeping, disks), store, settings.retention.metrics)
    ports = Ports(
        store=store,
        providers=Providers(processes, logins, more=Catalogue(places.config)),
        recordings=Recordings(places.recordings, keeping.client),
        workspaces=Workspaces(places.workspaces, settings.workspaces),
        keep=keeping,
        vitals=DaemonVitals(places, keeping, timeouts, url, warnings),
        monitor=monitor,
        memory=free_memory,
        forget=partial(reviews.forget, places.reviews),
        clock=clock,
    )
    try:
        async with (
            monitor.running(),
            python.running(),
            Engine(ports, code, rules(settings, timeouts.now)).running() as running,
        ):
            yield running
    finally:
        transcripts.close()
        with anyio.CancelScope(shield=True):
            await store.close()
            await keeping.close()


def _folders(places: Places) -> Folders:
    return Folders(
        sessions=places.code,
        keys=places.code_keys,
        runtime=places.runtime_dir,
        hidden=(places.state_dir, places.runtime_dir),
    )


def _sandboxes(places: Places, settings: Settings) -> Sandboxes:
    return Sandboxes(
        settings.sandbox,
        ours=(places.state_dir, places.runtime_dir, places.config.parent),
        agents=all_kept(),
        guests=places.guest_socket,
    )


def rules(settings: Settings, timeouts: Callable[[], Timeouts]) -> Rules:
    """What the engine has to know of the settings."""
    agents = settings.agents
    return Rules(
        roles={role.name: role.limit for role in settings.roles},
        default_slots=settings.role_default,
        timeouts=timeouts,
        permissions=settings.permissions,
        providers=settings.providers,
        memory=settings.memory,
        on_limit=agents.on_limit,
        budget=agents.budget,
        waits=Waits(
            most=agents.waits,
            backoff=Backoff(first=agents.first_wait, most=agents.longest_wait),
        ),
    )


def guests(places: Places, settings: Settings) -> tuple[Guest, ...]:
    """Those who listen beside the engine, as the settings have it. Raises Unable."""
    found: list[Guest] = []
    if settings.notify:
        from inspan.notices.notices import Notices  # noqa: PLC0415 - only where it is asked for

        way = partial(way_to, places=places, settings=settings)
        found.append(Notices(settings.notify, way, places.notices, SystemClock()))
    if settings.tracing is not None:
        found.append(_traces(places, settings.tracing))
    return tuple(found)


def _traces(places: Places, tracing: Tracing) -> Traces:
    from inspan.tracing.otlp import Otlp  # noqa: PLC0415 - only where it is asked for
    from inspan.tracing.traces import Traces  # noqa: PLC0415 - as above

    look_up = Secrets(places.secrets, os.environ).look_up
    headers = {name: look_up(reference) for name, reference in tracing.headers.items()}
    out = Otlp(tracing.endpoint, headers, tracing.service)
    return Traces(out, places.traced, SystemClock())


def way_to(target: Target, *, places: Places, settings: Settings) -> Way:
    """How that target is told. Raises Unable where it cannot be on this machine."""
    from inspan.notices.ways import way_of  # noqa: PLC0415 - as above

    return way_of(
        target,
        web=HttpWeb(),
        clock=SystemClock(),
        look_up=Secrets(places.secrets, os.environ).look_up,
        env=settings.env.split(os.environ)[0],
    )


@asynccontextmanager
async def here(places: Places | None = None) -> AsyncIterator[Control]:
    """Control without a daemon: what still runs when the block is left is interrupted or closed."""
    places = places or locate(os.environ)
    async with engine(places, load(places.config)) as running:
        try:
            yield running
        finally:
            with anyio.CancelScope(shield=True):
                await running.interrupt_all("the program that ran it has ended")
                await running.code.close_all()


@asynccontextmanager
async def connect(
    places: Places | None = None, *, reconnect: bool = True
) -> AsyncIterator[Control]:
    """Control over the daemon, which is started where there is none, at first and ``reconnect``."""
    from inspan.client.launch import launch  # noqa: PLC0415 - `serve` has no use for it
    from inspan.client.rejoin import Rejoin  # noqa: PLC0415
    from inspan.client.remote import RemoteControl  # noqa: PLC0415

    places = places or locate(os.environ)
    places.prepare()
    start = partial(launch, places.daemon_socket, places.state_dir, places.logs)
    await anyio.to_thread.run_sync(start)
    rejoin = Rejoin(TimeoutsFile(places.timeouts).now().reconnect, start=start)
    async with RemoteControl.connect(
        places.daemon_socket, rejoin if reconnect else None
    ) as control:
        yield control


@asynccontextmanager
async def code(
    places: Places,
    *,
    cwd: Path,
    env: Mapping[str, str],
    python: str,
    grants: Grants,
    limits: CodeLimits,
    asked_by: Literal["command", "call"] = "call",
    answer: Answer | None = None,
) -> AsyncIterator[KernelSession]:
    """A Python session of this program alone: it, and all that it started, end with the block.

    ``answer`` is called for what its code asks of its host; without it that is refused.
    Raises what ``KernelSession.open`` does.
    """
    from inspan.kernel.host.confinement import Confinement  # noqa: PLC0415 - no task needs it
    from inspan.kernel.host.folder import PREFIX, PrivateFolder  # noqa: PLC0415
    from inspan.kernel.host.launch import Order  # noqa: PLC0415
    from inspan.kernel.host.opened import opened  # noqa: PLC0415

    places.prepare()
    keeping = Keeping(places.keeper_socket, places.state_dir)
    clock = SystemClock()
    name = PREFIX + ulid(clock.now(), clock.entropy(10))
    own = await anyio.to_thread.run_sync(PrivateFolder.make, places.code, name)
    order = Order(
        session=name,
        folder=own.path,
        runtime=places.runtime_dir,
        cwd=cwd,
        env=env,
        python=python,
        bound=True,
        confinement=Confinement(
            grants=grants,
            limits=limits,
            hidden=(places.state_dir, places.runtime_dir),
            private=(Path.home(),),
            asked_by=asked_by,
        ),
    )
    try:
        await _bury(await anyio.to_thread.run_sync(PrivateFolder.leftovers, places.code), keeping)
        async with opened(await keeping.client(), order, answer=answer) as session:
            yield session
    finally:
        with anyio.CancelScope(shield=True):
            with suppress(InspanError):
                await keeping.drop(name)
            await keeping.close()
            await anyio.to_thread.run_sync(own.remove)


def alone(capabilities: Sequence[str], person: Person) -> Answer:
    """What the code of such a session may ask for without a daemon. Raises BadInput."""
    return Alone(HttpWeb(), capabilities, person)


async def _bury(leftovers: Sequence[PrivateFolder], keeping: Keeping) -> None:
    """What sessions left whose program was killed; the keeper has killed them, if it noticed."""
    try:
        for folder in leftovers:
            with suppress(InspanError):
                await keeping.drop(folder.path.name)
    finally:
        with anyio.CancelScope(shield=True):
            for folder in leftovers:
                await anyio.to_thread.run_sync(folder.remove)


async def _opened(places: Places, keeping: Keeping) -> SqliteStore:
    """The store; the keeper takes a moment to start, and does so meanwhile."""
    trouble: InspanError
    async with anyio.create_task_group() as early:
        early.start_soon(_early, keeping)
        try:
            return await SqliteStore.open(places.database)
        except InspanError as error:
            trouble = error
    await keeping.close()
    raise trouble


async def _early(keeping: Keeping) -> None:
    """A keeper that does not start is told to each task that needs it, with the reason."""
    with suppress(KeeperLost):
        await keeping.client()


def _rss(pid: int) -> int:
    """The memory of a process (bytes), 0 where it is gone."""
    import psutil  # noqa: PLC0415 - 18 ms that only health needs

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
