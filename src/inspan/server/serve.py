"""Serving the application: on a Unix socket that only its owner can reach, and, where somebody
asked for it, on the network behind a gate.

The socket has three fences, each enough by itself on most systems: the folder is 0700, the socket
is 0600, and a peer of another uid is hung up on. Signals are the application's business, not this
module's.
"""

from __future__ import annotations

import asyncio
import os
import socket as sockets
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.to_thread
from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import Server

from inspan.control import Control
from inspan.errors import SettingsInvalid, Unable
from inspan.model import wire
from inspan.model.timeouts import DEFAULT
from inspan.server import schema
from inspan.server.app import routed
from inspan.server.audit import Audit
from inspan.server.base import Base, NoBase
from inspan.server.door import Door, OwnSocket
from inspan.server.guests import GuestDoor, Guests, guests_app
from inspan.server.http import Plain, fenced
from inspan.server.rest import Stop

if TYPE_CHECKING:
    from inspan.server.net import Network

#: Seconds that open requests get to end when the server stops.
GRACE: Final = 3
#: Seconds that a connection may rest between two requests.
KEEP_ALIVE: Final = 75


async def serve(
    control: Control,
    socket: Path,
    *,
    version: str,
    audit: Audit,
    on_ready: Callable[[], None],
    shutdown_event: Stop,
    network: Network | None = None,
    guests: Guests | None = None,
    base: Base | None = None,
    ping: float = DEFAULT.ping,
    pong: float = DEFAULT.pong,
) -> None:
    """Serve until ``shutdown_event`` is set, by a signal's handler or by ``POST /v1/shutdown``.

    At the socket those are pinged who ask for it: ``sockets`` says why.
    ``on_ready`` is called once connections are taken. Raises Unable where the socket cannot be
    had: another daemon listens there, the path is too long, the folder is open to others; and
    SettingsInvalid where the certificate of ``network`` or its tokens cannot be read.
    """
    app = routed(control, shutdown_event, None if network is None else network.front(), base)
    door = partial(Door, app, version=version, audit=audit)
    beyond = None if network is None else _beyond(network, door(guard=network.guard()))
    with listening(socket) as listener, _for_guests(guests) as theirs:
        mine = socket.stat().st_ino
        near = {"ws": partial(_late_websocket, asked=ping), "ws_ping_timeout": pong}
        config = Config(door(guard=OwnSocket()), http=fenced(os.geteuid()), **_SAME | _NEAR | near)
        server = _Server(config, shutdown_event, on_ready, partial(_withdraw, socket, mine))
        async with anyio.create_task_group() as group:
            group.start_soon(partial(anyio.to_thread.run_sync, abandon_on_cancel=True), schema.warm)
            async with anyio.create_task_group() as servers:
                if network is not None and beyond is not None:
                    second = _Server(beyond, shutdown_event)
                    servers.start_soon(partial(second.serve, sockets=[network.socket]))
                if guests is not None and theirs is not None:
                    agents = guests_app(control, shutdown_event, base or NoBase(), guests.rules)
                    third = Door(agents, version=version, guard=GuestDoor(guests.keys), audit=audit)
                    own = Config(third, http=fenced(os.geteuid()), **_SAME | _NEAR | near)
                    servers.start_soon(
                        partial(_Server(own, shutdown_event).serve, sockets=[theirs])
                    )
                await server.serve(sockets=[listener])
            group.cancel_scope.cancel()


def _for_guests(
    guests: Guests | None,
) -> AbstractContextManager[sockets.socket | None]:
    return nullcontext() if guests is None else listening(guests.socket)


def _beyond(network: Network, app: ASGIApp) -> Config:
    """Raises SettingsInvalid where its certificate cannot be read."""
    cert, key = network.listen.cert, network.listen.key
    config = Config(
        app,
        http=Plain,
        ssl_certfile=cert,
        ssl_keyfile=key,
        ws_ping_interval=network.ping,
        ws_ping_timeout=network.pong,
        **_SAME,
    )
    try:
        config.load()
    except OSError as error:  # what is wrong within a certificate is one too
        raise SettingsInvalid(f"the certificate {cert} or its key {key}: {error}") from error
    return config


class _Server(Server):
    """uvicorn's server, without its hands on signals and without its ten wake-ups a second."""

    def __init__(
        self,
        config: Config,
        stop: Stop,
        on_ready: Callable[[], None] = lambda: None,
        leaving: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._stop = stop
        self._leaving = leaving

    def capture_signals(self) -> Any:
        return nullcontext()

    async def startup(self, sockets: list[sockets.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    async def main_loop(self) -> None:
        await self._stop.wait()
        # Before any client is hung up on: by this they know a stop from a crash.
        self._leaving()


def _late_websocket(**given: Any) -> asyncio.Protocol:
    """The WebSocket protocol, imported by the first that is asked for and not before ready."""
    from inspan.server.sockets import Socket  # noqa: PLC0415  see above

    return Socket(**given)


#: How both are served: no hands of uvicorn's on logs, nor on what a proxy would say in headers.
_SAME: Final[dict[str, Any]] = {
    "ws": _late_websocket,
    "ws_max_size": wire.FRAME_MOST + 64,
    "ws_per_message_deflate": False,
    "lifespan": "off",
    "interface": "asgi3",
    "loop": "none",
    "log_config": None,
    "log_level": "warning",
    "access_log": False,
    "proxy_headers": False,
    "server_header": False,
    "date_header": False,
    "timeout_keep_alive": KEEP_ALIVE,
    "timeout_graceful_shutdown": GRACE,
}
#: Who is pinged there is who asks for it.
_NEAR: Final[dict[str, Any]] = {"ws_ping_interval": None}


# ── the socket ────────────────────────────────────────────────────────────────


@contextmanager
def listening(path: Path) -> Iterator[sockets.socket]:
    """A listening socket of mode 0600 at ``path``, removed at the end if it is still ours.

    After an error it stays, as after a kill: a client that finds it gone was left on purpose.
    """
    _private(path.parent)
    _clear(path)
    listener = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
    try:
        mask = os.umask(0o177)
        try:
            listener.bind(os.fspath(path))
        except OSError as error:
            raise Unable(f"no socket can be made at {path}: {error}") from error
        finally:
            os.umask(mask)
        mine = path.stat().st_ino
        listener.listen(128)
        listener.setblocking(False)
        yield listener
        _withdraw(path, mine)
    finally:
        listener.close()


def _withdraw(path: Path, mine: int) -> None:
    with suppress(FileNotFoundError):
        if path.stat().st_ino == mine:
            path.unlink()


def _private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise Unable(
            f"the folder {folder} is open to other users",
            hint=f"Make it yours alone with `chmod 700 {folder}`.",
        )


def _clear(path: Path) -> None:
    """Remove the socket of a daemon that is gone; never one that is listened on."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise Unable(f"{path} is in the way and is no socket", hint="Move it elsewhere.")
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except BlockingIOError:
            pass  # its queue is full, so somebody listens
    raise Unable(f"another daemon listens at {path}", hint="`inspan down` stops it.")
