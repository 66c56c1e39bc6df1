"""Starting a worker, and meeting one that runs: its folder, its socket, its first words.

The folder of a session has, beside the keeper's recording, ``card.json`` (where it listens, and the
token; 0600 in a folder of 0700), the two capture files, ``taken`` and ``interrupt``. Where it is
confined it has a home and a place for checkpoints in it, too, and no right to the rest.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import os
import secrets
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import anyio

from inspan.errors import (
    AlreadyRecorded,
    BadInput,
    InspanError,
    SessionDied,
    SessionNotFound,
    SpawnFailed,
    WorkerNotReady,
)
from inspan.keeper.client import KeeperClient
from inspan.kernel.host import board, confinement, forking, output
from inspan.kernel.host.confinement import Confinement
from inspan.kernel.host.forking import Forker
from inspan.kernel.host.link import Link, Taker, connect
from inspan.kernel.host.process import Death, WorkerProcess
from inspan.kernel.protocol import VERSION, Hello, Ready
from inspan.kernel.worker.boot import CLOUDPICKLE_VARIABLE, TOKEN_VARIABLE, command

CARD: Final = "card.json"
#: ``sun_path`` holds 104 bytes on macOS and 108 on Linux, the closing NUL included.
_SOCKET_MOST: Final = 103
#: Seconds between two tries to connect while a worker starts.
_RETRY: Final = 0.002
#: Bytes of the keeper's recording: a worker's own descriptors go elsewhere once it has started.
_RECORDING: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A session that is wanted."""

    session: str
    #: The session's own, made here where it is missing; not one that a session had before.
    folder: Path
    #: Where the socket goes: a short path, of mode 0700.
    runtime: Path
    cwd: Path
    #: The whole environment of the worker; the caller's allow-list has been over it.
    env: Mapping[str, str] = field(default_factory=dict)
    #: Any Python from 3.11 on; inspan need not be installed there.
    python: str = sys.executable
    #: It ends with the connection to the keeper by which it was started, however that ends.
    bound: bool = False
    #: ``None``: it may do all that its user may.
    confinement: Confinement | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """What a later host has to know to meet the worker."""

    session: str
    socket: str
    token: str


def prepare(order: Order) -> Card:
    """Make the folder and its files. Raises AlreadyRecorded, BadInput, SpawnFailed."""
    card = Card(order.session, str(_socket(order)), secrets.token_hex(32))
    try:
        _make(order.folder)
        if not order.runtime.is_dir():
            order.runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
        output.prepare(order.folder)
        board.prepare(order.folder)
        if order.confinement is not None:
            confinement.prepare(order.folder)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        with os.fdopen(os.open(order.folder / CARD, flags, 0o600), "w") as file:
            json.dump(asdict(card), file)
    except FileExistsError as error:
        raise AlreadyRecorded from error
    except OSError as error:
        raise SpawnFailed(f"The session's folder cannot be made: {error}.") from error
    return card


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        folder.chmod(0o700)


def card(folder: Path) -> Card:
    """The one in this folder. Raises SessionNotFound."""
    try:
        raw = json.loads((folder / CARD).read_text())
        return Card(str(raw["session"]), str(raw["socket"]), str(raw["token"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SessionNotFound(f"There is no code session in {folder}.") from error


async def spawn(
    keeper: KeeperClient, order: Order, card: Card
) -> tuple[WorkerProcess, Forker | None]:
    """Start the worker. Raises what ``KeeperClient.spawn`` does.

    With it comes the forker that the next one could be forked from and that is not there yet. To
    start that takes as much of a processor as this worker does, so it is wanted once this is ready.
    """
    try:
        return await _spawn(keeper, order, card)
    except AlreadyRecorded:
        raise
    except BaseException:
        # Whoever is cancelled here may have started it.
        with anyio.CancelScope(shield=True), suppress(InspanError):
            await keeper.kill(order.session)
            await keeper.collect(order.session)
        raise


async def _spawn(
    keeper: KeeperClient, order: Order, card: Card
) -> tuple[WorkerProcess, Forker | None]:
    folder = str(order.folder)
    forker = forking.forker(order.python, order.env)
    spawned = await keeper.spawn(
        session=order.session,
        argv=command(order.python, session=order.session, socket=card.socket, folder=folder),
        cwd=str(order.cwd),
        env={**order.env, **_pickler(), **_confinement(order), TOKEN_VARIABLE: card.token},
        folder=folder,
        pty=False,
        bound=order.bound,
        by=forker.name if forker else None,
        cap=_RECORDING,
    )
    if not spawned.new:
        raise AlreadyRecorded
    process = await WorkerProcess.of(keeper, order.session, spawned.pid)
    return process, None if spawned.forked else forker


def _confinement(order: Order) -> Mapping[str, str]:
    if order.confinement is None:
        return {}
    return order.confinement.environment(order.folder, order.cwd, order.runtime)


@functools.cache
def _pickler() -> Mapping[str, str]:
    """Where our cloudpickle is, for a Python that has none of its own."""
    found = find_spec("cloudpickle")
    if found is None or found.origin is None:
        return {}
    return {CLOUDPICKLE_VARIABLE: str(Path(found.origin).parents[1])}


async def meet(
    card: Card,
    taker: Taker,
    ended: asyncio.Future[Death],
    *,
    within: float,
    last_seq: int = 0,
    reads_board: bool = False,
) -> tuple[Link, Ready]:
    """Connect and be answered. Raises WorkerNotReady, KernelProtocol.

    A worker that is starting is tried until it listens, has ended, or ``within`` seconds are over.
    """
    link: Link | None = None
    hello = Hello(
        version=VERSION,
        session=card.session,
        token=card.token,
        last_seq=last_seq,
        board=reads_board,
    )
    try:
        async with asyncio.timeout(within):
            link = await _reach(card, taker, ended)
            return link, await link.hello(hello)
    except TimeoutError as error:
        _close(link)
        raise WorkerNotReady(f"It was not ready within {within:g} seconds.") from error
    except SessionDied as error:
        _close(link)
        if type(error) is SessionDied:
            raise WorkerNotReady(error.message) from error
        raise
    except BaseException:
        _close(link)
        raise


def told(error: WorkerNotReady, death: Death, words: str) -> WorkerNotReady:
    """The same, with how the process ended and its last words."""
    said = f"; its last words: {words[-1000:]}" if words else "."
    how = "" if death == Death() else f": it {death.how}"
    why = error.message.rstrip(".")
    return WorkerNotReady(f"The code session did not start. {why}{how}{said}")


def _socket(order: Order) -> Path:
    """A short name; which session it is of can be told by who knows the session."""
    name = hashlib.sha256(str(order.folder).encode()).hexdigest()[:16]
    path = order.runtime / f"py-{name}"
    if len(os.fsencode(path)) > _SOCKET_MOST:
        raise BadInput(f"The path of a socket is too long: {path}.")
    return path


async def _reach(card: Card, taker: Taker, ended: asyncio.Future[Death]) -> Link:
    path = Path(card.socket)
    while True:
        # It is there only once it can be connected to, and to try costs a hundred times a look.
        if path.exists():
            with suppress(OSError):
                return await connect(path, taker)
        if ended.done():
            raise WorkerNotReady("It ended before it was ready.")
        await asyncio.wait({ended}, timeout=_RETRY)


def _close(link: Link | None) -> None:
    if link is not None:
        link.close()
