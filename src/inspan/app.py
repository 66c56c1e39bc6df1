"""The application: the only file that names concrete classes and joins them to the ports.

Three ways in: ``open`` for programs, ``engine`` for one process without a daemon, and ``serve``,
which is the daemon. What is heavy is imported where it is needed.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import platform
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import anyio

from inspan import __version__
from inspan.control import Control, Health, Process, PrunePolicy
from inspan.engine.clock import SystemClock
from inspan.engine.code.alone import Alone, Person
from inspan.engine.code.ports import CodePorts
from inspan.engine.engine import Engine
from inspan.engine.ports import Ports
from inspan.engine.rules import Rules
from inspan.errors import InspanError, KeeperLost
from inspan.model.ids import ulid
from inspan.model.patience import Backoff, Waits
from inspan.model.timeouts import Timeouts
from inspan.providers.keeping import Keeping
from inspan.providers.login import Logins
from inspan.providers.process import Processes
from inspan.providers.python import Folders, PythonProvider
from inspan.providers.registry import Providers, all_kept
from inspan.providers.sandbox import Sandboxes
from inspan.providers.screens import Screens
from inspan.providers.web import HttpWeb
from inspan.settings import Places, Settings, TimeoutsFile, load, locate
from inspan.settings.catalogue import Catalogue
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

log = logging.getLogger("inspan")

#: Free bytes on the disk of the state directory below which health says so.
_LITTLE_ROOM: Final = 1 << 30
#: Seconds between two looks for what retention lets go.
_RETENTION_EVERY: Final = 3600.0
#: Seconds for which a secret is held that no task asks for.
_SECRETS_KEPT: Final = 30 * 86400.0
_REST_EVERY: Final = 60.0


class DaemonVitals:
    """``ports.Vitals`` of this process and its keeper."""

    def __init__(self, places: Places, keeping: Keeping, timeouts: TimeoutsFile) -> None:
        self._places = places
        self._keeping = keeping
        self._timeouts = timeouts
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
            warnings=tuple(self._warnings()),
        )

    def _warnings(self) -> Iterator[str]:
        free = shutil.disk_usage(self._places.state_dir).free
        if free < _LITTLE_ROOM:
            where = self._places.state_dir
            yield f"only {free >> 20} MB are free in {where}; `inspan prune` makes room"
        if self._timeouts.warning:
            yield self._timeouts.warning

    async def _keeper(self) -> Process | None:
        try:
            client = await self._keeping.client()
        except InspanError:
            return None
        return Process(client.pid, f"wire {client.version}", client.started_at, _rss(client.pid))


@asynccontextmanager
async def engine(places: Places, settings: Settings) -> AsyncIterator[Engine]:
    """An engine over the state in ``places``, at work until the block is left.

    Raises StoreLocked where another process has that state, and what opening a store raises.
    """
    timeouts = TimeoutsFile(places.timeouts)
    places.prepare()
    keeping = Keeping(places.keeper_socket, places.state_dir)
    store = await _opened(places, keeping)
    clock = SystemClock()
    transcripts = Transcripts(places.transcripts, cap=settings.recording.cap)
    folders = Folders(
        sessions=places.code,
        keys=places.code_keys,
        runtime=places.runtime_dir,
        hidden=(places.state_dir, places.runtime_dir),
    )
    python = PythonProvider(folders, keeping, clock)
    code = CodePorts(
        store=store, provider=python, transcripts=transcripts, web=HttpWeb(), clock=clock
    )
    processes = Processes(
        keeping.client,
        places.recordings,
        Screens(clock),
        look_up=Secrets(places.secrets, os.environ).look_up,
        sandboxes=Sandboxes(
            settings.sandbox,
            ours=(places.state_dir, places.runtime_dir, places.config.parent),
            agents=all_kept(),
        ),
        cap=settings.recording.cap,
    )
    ports = Ports(
        store=store,
        providers=Providers(
            processes,
            Logins(clock, lambda: timeouts.now().login),
            more=Catalogue(places.config),
        ),
        recordings=Recordings(places.recordings, keeping.client),
        workspaces=Workspaces(places.workspaces),
        keep=keeping,
        vitals=DaemonVitals(places, keeping, timeouts),
        clock=clock,
    )
    try:
        async with (
            python.running(),
            Engine(ports, code, rules(settings, timeouts.now)).running() as running,
        ):
            yield running
    finally:
        transcripts.close()
        with anyio.CancelScope(shield=True):
            await store.close()
            await keeping.close()


def rules(settings: Settings, timeouts: Callable[[], Timeouts]) -> Rules:
    """What the engine has to know of the settings."""
    agents = settings.agents
    return Rules(
        roles={role.name: role.limit for role in settings.roles},
        default_slots=settings.role_default,
        timeouts=timeouts,
        permissions=settings.permissions,
        providers=settings.providers,
        on_limit=agents.on_limit,
        budget=agents.budget,
        waits=Waits(
            most=agents.waits,
            backoff=Backoff(first=agents.first_wait, most=agents.longest_wait),
        ),
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
async def connect(places: Places | None = None) -> AsyncIterator[Control]:
    """Control over the daemon, which is started where there is none."""
    from inspan.client.launch import launch  # noqa: PLC0415 - `serve` has no use for it
    from inspan.client.remote import RemoteControl  # noqa: PLC0415

    places = places or locate(os.environ)
    places.prepare()
    await anyio.to_thread.run_sync(launch, places.daemon_socket, places.state_dir, places.logs)
    async with RemoteControl.connect(places.daemon_socket) as control:
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


async def serve(places: Places, settings: Settings, ready: Ready) -> None:
    """The daemon: an engine and its server, until a signal or ``down``. Agents are left alone."""
    from inspan.server.serve import serve as serve_http  # noqa: PLC0415 - the client needs none

    stop = anyio.Event()
    async with engine(places, settings) as running, anyio.create_task_group() as group:
        group.start_soon(_on_signal, stop)
        group.start_soon(_retain, running, places, settings)
        if settings.code.idle is not None:
            group.start_soon(_rest, running, settings.code.idle)
        await serve_http(
            running,
            places.daemon_socket,
            version=__version__,
            on_ready=ready.tell,
            shutdown_event=stop,
        )
        group.cancel_scope.cancel()


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


async def _on_signal(stop: anyio.Event) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            log.info("told to stop by %s", number.name, extra={"action": "stop"})
            stop.set()


async def _retain(running: Engine, places: Places, settings: Settings) -> None:
    """Let go of what retention does not keep, at the start and every hour."""
    kept = settings.retention
    policy = PrunePolicy(older_than=kept.older_than, bytes=kept.bytes)
    held = Secrets(places.secrets, {})
    while True:
        try:
            gone = await running.prune(policy)
        except InspanError as error:
            log.warning("retention: %s", error, extra={"action": "retain"})
        else:
            if gone.tasks or gone.sessions or gone.bytes:
                figures = {"action": "retain", "tasks": gone.tasks, "bytes": gone.bytes}
                log.info("retention let go of %d tasks", gone.tasks, extra=figures)
        try:
            await anyio.to_thread.run_sync(held.forget, _SECRETS_KEPT)
        except OSError as error:
            log.warning("secrets: %s", error, extra={"action": "retain"})
        await anyio.sleep(_RETENTION_EVERY)


async def _rest(running: Engine, idle: float) -> None:
    """Save and close code sessions in which nothing happens."""
    while True:
        await anyio.sleep(min(_REST_EVERY, idle / 2))
        try:
            count = await running.code.close_idle(idle)
        except InspanError as error:
            log.warning("idle sessions: %s", error, extra={"action": "rest"})
        else:
            if count:
                log.info("closed %d idle sessions", count, extra={"action": "rest"})


def _rss(pid: int) -> int:
    """The memory of a process (bytes), 0 where it is gone."""
    import psutil  # noqa: PLC0415 - 18 ms that only health needs

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def collect_rarely() -> None:
    """Make this process look for cycles after 20,000 new values rather than 2,000.

    The engine holds many small values that live long and form no cycle; looking for some in them
    costs it a tenth of its time. For a process of our own, not for one that embeds the engine.
    """
    gc.set_threshold(20_000, 20, 20)


class Ready:
    """Tells whoever started the daemon, once, that it is ready or why it is not."""

    def __init__(self, fd: int | None) -> None:
        self._fd = fd

    def tell(self, trouble: InspanError | None = None) -> None:
        """Write one line, ``ready`` or the error as JSON, and hang up."""
        fd, self._fd = self._fd, None
        if fd is None:
            return
        words = "ready"
        if trouble is not None:
            words = json.dumps(
                {"code": trouble.code, "message": trouble.message, "hint": trouble.hint}
            )
        with suppress(BrokenPipeError):
            os.write(fd, f"{words}\n".encode())
        os.close(fd)


class _JsonLines(logging.Formatter):
    """One line a record: text for people, ``action`` and ids as fields for machines."""

    _KNOWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": round(record.created, 3),
            "level": record.levelname.lower(),
            "text": record.getMessage(),
            "from": record.name,
        }
        line |= {key: value for key, value in vars(record).items() if key not in self._KNOWN}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def main(argv: Sequence[str] | None = None) -> int:
    """``python -m inspan.app serve [--ready FD]``: what ``inspan up`` starts."""
    parser = argparse.ArgumentParser(prog="inspan.app")
    parser.add_argument("what", choices=["serve"])
    parser.add_argument("--ready", type=int, metavar="N")
    args = parser.parse_args(argv)
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    collect_rarely()
    ready = Ready(args.ready)
    try:
        places = locate(os.environ)
        anyio.run(serve, places, load(places.config, places.state), ready)
    except* InspanError as group:
        trouble = _first(group)
        log.error("%s", trouble, extra={"action": "start", "code": trouble.code})  # noqa: TRY400
        ready.tell(trouble)
        status = 1
    else:
        status = 0
    return status


def _first(group: BaseExceptionGroup[InspanError]) -> InspanError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, InspanError):
        raise TypeError(error)
    return error


if __name__ == "__main__":
    sys.exit(main())
