"""The daemon's process: an engine and its doors, until a signal or ``down``. Agents are left alone.

It starts what ``app`` has put together, tells whoever started it that it is ready, keeps house
once in a while, and writes its log. ``python -m inspan.daemon`` is what ``inspan up`` starts.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.to_thread

from inspan import __version__
from inspan.app import engine, guests
from inspan.client.launch import LOG, LOG_KEPT, LOG_MOST
from inspan.control import PrunePolicy
from inspan.errors import InspanError
from inspan.keeper.logfile import LogFile, leads
from inspan.leaving import first, on_signal
from inspan.server.manager import Manager
from inspan.settings import Places, Settings, load, locate
from inspan.settings.base import Base
from inspan.settings.secrets import Secrets

if TYPE_CHECKING:
    from inspan.app import Guest
    from inspan.engine.engine import Engine
    from inspan.server.net import Network

log = logging.getLogger("inspan")

#: Seconds between two looks for what retention lets go.
_RETENTION_EVERY: Final = 3600.0
#: Seconds for which a secret is held that no task asks for.
_SECRETS_KEPT: Final = 30 * 86400.0
_REST_EVERY: Final = 60.0


async def serve(places: Places, settings: Settings, ready: Ready) -> None:
    """The daemon: an engine and its server, until a signal or ``down``. Agents are left alone."""
    from inspan.server.audit import Audit  # noqa: PLC0415 - the client needs none of the server
    from inspan.server.guestkeys import GuestKeys  # noqa: PLC0415
    from inspan.server.guests import Guests  # noqa: PLC0415
    from inspan.server.serve import serve as serve_http  # noqa: PLC0415

    stop = anyio.Event()
    with _network(places, settings) as network, closing(Audit(places.audit)) as audit:
        url = network.url if network else None
        listening = guests(places, settings)
        places.prepare()
        keys = GuestKeys(places.guest_key, places.guest_socket)
        async with (
            engine(places, settings, url, lambda: _warnings(listening), keys) as running,
            anyio.create_task_group() as group,
        ):
            group.start_soon(on_signal, partial(_told, stop))
            for guest in listening:
                await group.start(guest.run, running)
            group.start_soon(_retain, running, places, settings)
            if settings.code.idle is not None:
                group.start_soon(_rest, running, settings.code.idle)
            if ready.manager.interval is not None:
                group.start_soon(_live, ready.manager, ready.manager.interval)
            await serve_http(
                running,
                places.daemon_socket,
                version=__version__,
                audit=audit,
                on_ready=ready.tell,
                shutdown_event=stop,
                network=network,
                guests=Guests(places.guest_socket, keys, settings.delegation),
                base=Base(settings, places, os.environ),
                ping=settings.timeouts.ping,
                pong=settings.timeouts.pong,
            )
            ready.manager.tell("STOPPING=1")
            group.cancel_scope.cancel()


def _warnings(listening: Sequence[Guest]) -> list[str]:
    return [warning for guest in listening for warning in guest.warnings()]


@contextmanager
def _network(places: Places, settings: Settings) -> Iterator[Network | None]:
    """The second way in, where the settings have one. Raises BadInput, Unable."""
    if settings.listen is None:
        yield None
        return
    from inspan.server.net import bound  # noqa: PLC0415 - only where it is asked for
    from inspan.server.tokens import Tokens  # noqa: PLC0415

    places.prepare()
    limits = settings.timeouts
    with bound(
        settings.listen, Tokens(places.tokens), ping=limits.ping, pong=limits.pong
    ) as network:
        yield network


def _told(stop: anyio.Event, number: signal.Signals) -> None:
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


async def _live(manager: Manager, interval: float) -> None:
    """Show the service manager that this loop turns; it replaces a daemon that hangs."""
    while True:
        manager.tell("WATCHDOG=1")
        await anyio.sleep(interval)


def collect_rarely() -> None:
    """Make this process look for cycles after 20,000 new values rather than 2,000.

    The engine holds many small values that live long and form no cycle; looking for some in them
    costs it a tenth of its time. For a process of our own, not for one that embeds the engine.
    """
    gc.set_threshold(20_000, 20, 20)


class Ready:
    """Tells whoever started the daemon, once, that it is ready or why it is not."""

    def __init__(self, fd: int | None, manager: Manager) -> None:
        self._fd = fd
        self.manager = manager

    def tell(self, trouble: InspanError | None = None) -> None:
        """Write one line, ``ready`` or the error as JSON, and hang up."""
        self.manager.tell("READY=1" if trouble is None else f"STATUS={trouble.code}")
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
    """``python -m inspan.daemon [--ready FD]``: what ``inspan up`` starts."""
    parser = argparse.ArgumentParser(prog="inspan.daemon")
    parser.add_argument("--ready", type=int, metavar="N")
    parser.add_argument("--listen", metavar="ADDRESS:PORT")
    args = parser.parse_args(argv)
    handler: logging.StreamHandler[Any] = logging.StreamHandler()
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    collect_rarely()
    ready = Ready(args.ready, Manager.of(os.environ))
    try:
        places = locate(os.environ)
        if leads(2, str(places.logs / LOG)):
            handler.setStream(LogFile(str(places.logs / LOG), LOG_MOST, LOG_KEPT))
        settings = load(places.config, places.state)
        if isinstance(handler.stream, LogFile):
            kept = settings.logs
            handler.setStream(LogFile(str(places.logs / LOG), kept.size, kept.kept))
        if args.listen is not None:
            from inspan.settings.server import listening_at  # noqa: PLC0415 - seldom

            settings = listening_at(settings, args.listen)
        anyio.run(serve, places, settings, ready)
    except* InspanError as group:
        trouble = first(group)
        log.error("%s", trouble, extra={"action": "start", "code": trouble.code})  # noqa: TRY400
        ready.tell(trouble)
        status = 1
    else:
        status = 0
    # What is left goes with the process. To look for cycles in it takes a fifth of a short life.
    gc.freeze()
    return status


if __name__ == "__main__":
    sys.exit(main())
