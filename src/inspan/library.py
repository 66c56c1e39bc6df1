"""What a Python program uses: ``open`` a Control, describe a ``spec``, ``wait`` for an end.

A thin front of ``app``; it adds defaults that a program on its own machine expects.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from inspan.control import Control
from inspan.errors import BadInput
from inspan.model.code import CodeLimits, Grants, Sandbox
from inspan.model.task import Task, TaskSpec, TerminalSpec
from inspan.settings import load, locate, passing

if TYPE_CHECKING:
    from inspan.client.address import Address
    from inspan.kernel.host.answers import Answer
    from inspan.kernel.host.session import KernelSession
    from inspan.kernel.host.warm import Opening, WarmSessions


@asynccontextmanager
async def open(  # noqa: A001 - read as inspan.open
    *,
    here: bool = False,
    host: str | None = None,
    token: str | None = None,
    ca: str | Path | None = None,
    reconnect: bool = True,
) -> AsyncIterator[Control]:
    """Control: of the daemon, which is started where there is none, or ``here``, in this process.

    Or of one that runs elsewhere: ``host`` is ``https://HOST:PORT``, ``http://127.0.0.1:PORT`` or
    ``unix:///PATH``, and ``ca`` a file with the authorities that are trusted, if not the system's.
    A task that is handed in there has what it lacks from there: say ``TaskSpec`` and not ``spec``.

    Where the daemon is lost, ``watch`` and who attaches to read go on by themselves as soon as
    there is one again, which is started where it is our own; after a minute they raise
    DaemonUnreachable, and with ``reconnect=False`` at once.

    Leaving the block leaves the daemon's tasks alone; what runs ``here`` is interrupted.
    Raises PlatformUnsupported, DaemonUnreachable, StoreLocked, SettingsInvalid, BadInput.
    """
    if host is not None:
        from inspan.client.rejoin import Rejoin  # noqa: PLC0415 - most have their own
        from inspan.client.remote import RemoteControl  # noqa: PLC0415

        there, rejoin = elsewhere(host, token, ca, here=here), Rejoin() if reconnect else None
        async with RemoteControl.connect(there, rejoin) as control:
            yield control
        return
    places = locate(os.environ)
    from inspan import app  # noqa: PLC0415 - the engine is loaded when it is opened

    opened = app.here(places) if here else app.connect(places, reconnect=reconnect)
    async with opened as control:
        yield control


def elsewhere(
    host: str, token: str | None, ca: str | Path | None, *, here: bool = False
) -> Address:
    """Where ``host`` is. Raises BadInput."""
    from inspan.client.address import parse  # noqa: PLC0415 - as above

    if here:
        raise BadInput("`here` is this process, and `host` another machine: name one")
    return parse(host, token=token, ca=None if ca is None else str(ca))


def spec(*command: str, **fields: Any) -> TaskSpec:
    """A task that runs ``command`` here, with the environment that the settings let through.

    Or one of an agent: ``spec(provider="claude", prompt="fix the failing test")``, with what that
    agent needs of the environment, and its keys by reference.
    """
    places = locate(os.environ)
    settings = load(places.config)
    dialect = passing.dialect_of(fields.get("provider", "shell"), settings)
    allowed, withheld = passing.rule_of(dialect, settings.env).split(os.environ)
    secrets = passing.secrets_of(
        dialect, allowed, env=os.environ, asked=(), settings=settings.secrets, places=places
    )
    plain = TaskSpec(
        command=command,
        cwd=str(Path.cwd()),
        env=allowed,
        withheld=tuple(name for name in withheld if name not in secrets),
        secrets=secrets,
        sandbox=settings.sandbox.usual(agent=dialect is not None),
        terminal=passing.terminal_of(dialect, fields.get("mode"), TerminalSpec()),
    )
    return replace(plain, **fields)


@asynccontextmanager
async def code(
    *,
    cwd: str | Path = ".",
    python: str = sys.executable,
    read: Iterable[str | Path] = (),
    write: Iterable[str | Path] = (),
    net: bool = False,
    sandbox: bool | Literal["require"] = True,
    memory: int | None = None,
    cpu: float | None = None,
    files: int | None = None,
    host: Answer | None = None,
) -> AsyncIterator[KernelSession]:
    """A Python session in a process of its own, which ends with the block.

    ``python`` is any Python from 3.11 on; inspan need not be installed there. Cells share one
    namespace and one event loop.

    It may write in a home of its own alone, read ``cwd`` and what its Python needs, and has no
    network. ``read``, ``write`` and ``net`` grant more; ``sandbox=False`` confines it nowhere,
    ``"require"`` refuses to run where it cannot be confined (``session.confined`` tells). Limits
    of each of its processes: ``memory`` in bytes, half the machine's if nothing is said, ``cpu`` in
    seconds, ``files`` open at a time.

    ``host`` is called with the name and the payload of what code asks by ``host.ask``, and returns
    what JSON has, or raises. Without it each question is refused.

    Raises WorkerNotReady, NotConfined, KeeperLost, BadInput.
    """
    places = locate(os.environ)
    allowed, _ = load(places.config).env.split(os.environ)
    from inspan import app  # noqa: PLC0415 - as above

    grants = granted(read=read, write=write, net=net, sandbox=sandbox)
    limits = CodeLimits(memory=memory, cpu=cpu, files=files)
    here = Path(cwd).absolute()
    async with app.code(
        places, cwd=here, env=allowed, python=python, grants=grants, limits=limits, answer=host
    ) as session:
        yield session


@asynccontextmanager
async def code_pool(size: int, opening: Opening = code) -> AsyncIterator[WarmSessions]:
    """``size`` sessions ready before they are asked for: ``async with pool.session() as session``.

    Each is used once and ends with its block, and another takes its place. ``opening`` opens one,
    as ``functools.partial(inspan.code, memory=1 << 30)`` does; what it raises is raised where a
    session is asked for. Raises BadInput.
    """
    from inspan.kernel.host.warm import warm  # noqa: PLC0415 - as above

    async with warm(size, opening) as sessions:
        yield sessions


def granted(
    *,
    read: Iterable[str | Path] = (),
    write: Iterable[str | Path] = (),
    net: bool = False,
    sandbox: bool | Literal["require"] = True,
) -> Grants:
    """Grants for a session of this program's, with paths as they are from here."""
    asked = Sandbox.REQUIRE if sandbox == "require" else Sandbox.AUTO if sandbox else Sandbox.OFF
    reads, writes = (tuple(str(Path(one).absolute()) for one in given) for given in (read, write))
    return Grants(read=reads, write=writes, net=net, sandbox=asked)


async def wait(control: Control, task: str) -> Task:
    """The task once it has ended, is interrupted, or needs a person: an answer or a verdict."""
    found = await control.get(task)
    async with aclosing(control.watch(found.seq, task=found.id)) as events:
        while not found.settled:
            event = await anext(events)
            found = await control.get(event.task)
    return found
