"""A process in the keeper, as the engine sees it: one ``Run`` for every provider that starts one.

``Processes`` starts and finds them, ``ProcessRun`` is one that the keeper holds and ``RecordedRun``
one of which only the recording is left. None of them knows a task or what the program is.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

import anyio.to_thread

from inspan.agents.dialect import OwnFolder
from inspan.engine.ports import (
    Asks,
    Finished,
    GoesOn,
    Grew,
    Lost,
    Observation,
    Order,
    Run,
    Started,
)
from inspan.errors import KeeperLost, NotConfined, SecretMissing, SessionNotFound
from inspan.keeper.client import EndedSession, KeeperClient, Status
from inspan.keeper.client import Grew as KeeperGrew
from inspan.keeper.recording import RAW
from inspan.model.activity import Activity
from inspan.model.ids import task_of
from inspan.model.task import Exit, Needs, TaskSpec, TerminalSpec
from inspan.model.value import value
from inspan.providers.bubblewrap import disguised
from inspan.providers.listening import Ears, News
from inspan.providers.procfacts import halted
from inspan.providers.sandbox import Confined, Sandboxes
from inspan.providers.screens import Screens
from inspan.providers.workspacefiles import Fence, WorkspaceFiles, alone
from inspan.terminal.announce import Waiting
from inspan.terminal.playback import Playback

T = TypeVar("T")
#: The value behind a reference to a secret; raises SecretMissing.
LookUp: TypeAlias = Callable[[str], str]
#: Variables for the program of a session, from its id and its environment.
Marks: TypeAlias = Callable[[str, Mapping[str, str]], Mapping[str, str]]
GetKeeper: TypeAlias = Callable[[], Awaitable[KeeperClient]]

#: Bytes of a recording before old output is freed from its middle.
CAP: Final = 64 << 20
#: How often a lost connection is taken up again without any news in between.
_RECONNECTS_MOST: Final = 3


_NO_VARIABLES: Final[Mapping[str, str]] = {}


@value
class Part:
    """A program that is a part of what was ordered, and runs beside it."""

    cwd: str
    #: Variables beside those of the order.
    env: Mapping[str, str]
    #: As ``CAP``, of its own recording.
    cap: int


class Processes:
    """Starts programs in the keeper and finds those that run. Recordings lie in ``recordings``."""

    def __init__(
        self,
        keeper: GetKeeper,
        recordings: Path,
        screens: Screens,
        *,
        look_up: LookUp | None = None,
        sandboxes: Sandboxes | None = None,
        cap: int = CAP,
        marks: Marks | None = None,
        guests: Callable[[str], Mapping[str, str]] | None = None,
    ) -> None:
        """``marks``: variables for the program of a session that has an environment like that.

        ``guests``: those of a session whose agent may hand in tasks.
        """
        self._guests = guests
        self._keeper = keeper
        self._recordings = recordings
        #: What looks at those that are on a terminal.
        self.screens: Final = screens
        self._look_up = look_up
        self._sandboxes = sandboxes
        self._cap = cap
        self._marks = marks

    async def check_sandbox(self, spec: TaskSpec, own: Sequence[OwnFolder] = ()) -> None:
        """Refuse what cannot be confined as it asks. Raises NotConfined, BadInput."""
        await self._confining().check(spec, own)

    async def open(
        self,
        order: Order,
        argv: Sequence[str],
        own: Sequence[OwnFolder] = (),
        part: Part | None = None,
    ) -> ProcessRun:
        """Start ``argv``; where the session was started before, take up what there is.

        The environment is the order's and our marks: INSPAN_TASK, and those by which the keeper
        finds strays. ``own`` is what the program keeps for itself, open to it in a sandbox too.
        ``part``: it is no more than a part of what was ordered.
        Raises SpawnFailed, SecretMissing, KeeperLost.
        """
        cwd = order.cwd if part is None else part.cwd
        more = {} if part is None else part.env
        argv, env = await self.inside(order, argv, own, cwd=cwd, more=more)
        keeper = await self._keeper()
        terminal = order.terminal
        spawned = await keeper.spawn(
            session=order.session,
            argv=argv,
            cwd=cwd,
            env={**env, **self._marked(order), "INSPAN_TASK": task_of(order.session)},
            folder=str(self.folder(order.session)),
            pty=terminal.pty,
            cols=terminal.cols,
            rows=terminal.rows,
            record_input=terminal.record_input,
            attended=terminal.attended,
            cap=self._cap if part is None else part.cap,
        )
        return self._run(keeper, order, spawned.pid, new=spawned.new, heard=part is None)

    def _marked(self, order: Order) -> Mapping[str, str]:
        marks = self._marks(order.session, order.env) if self._marks else {}
        guest = self._guests(order.session) if self._guests and order.delegates else {}
        return {**marks, **guest}

    async def inside(
        self,
        order: Order,
        argv: Sequence[str],
        own: Sequence[OwnFolder],
        *,
        cwd: str = "",
        more: Mapping[str, str] = _NO_VARIABLES,
    ) -> Confined:
        """How ``argv`` is started in the order's sandbox, where it has one, and with its secrets.

        ``cwd``: where it begins, if not in the workspace. ``more``: variables that it gets, and by
        which nothing of the sandbox is decided. Raises NotConfined, SecretMissing.
        """
        secrets = await self.secrets(order)
        if order.sandbox is None:
            return Confined([*argv], {**order.env, **secrets, **more})
        confining, begin = self._confining(), cwd or order.cwd
        argv, env = await confining.confine(order, order.sandbox, argv, own, cwd=begin)
        return Confined(argv, disguised({**env, **secrets, **more}))

    def files(self, order: Order, own: Sequence[OwnFolder]) -> WorkspaceFiles:
        """The files of its workspace, as far as its program may have us read and write them."""
        sandboxes = self._sandboxes

        async def fence() -> Fence:
            return alone(order.cwd) if sandboxes is None else await sandboxes.fence(order, own)

        return WorkspaceFiles(order.cwd, fence)

    def _confining(self) -> Sandboxes:
        if self._sandboxes is None:
            raise NotConfined("There are no sandboxes here.", hint="Run it by the daemon.")
        return self._sandboxes

    async def adopt(self, order: Order, *, heard: bool = True) -> Run | None:
        """The session as the keeper has it, or else as its recording tells that it ended.

        ``heard``: as in ``ProcessRun``.
        """
        keeper = await self._keeper()
        try:
            status = await keeper.status(order.session)
        except SessionNotFound:
            return self._recorded(order.session)
        return self._run(keeper, order, status.pid, new=False, heard=heard)

    async def secrets(self, order: Order) -> dict[str, str]:
        """The values of the order's secrets. Raises SecretMissing."""
        return await self.values_of(order.secrets)

    async def values_of(self, secrets: Mapping[str, str]) -> dict[str, str]:
        """What is behind references, by name. Raises SecretMissing."""
        if not secrets:
            return {}
        look_up = self._look_up
        if look_up is None:
            raise SecretMissing("No secrets are held here.")
        # A keyring may ask its owner first.
        return await anyio.to_thread.run_sync(
            lambda: {name: look_up(reference) for name, reference in secrets.items()}
        )

    def folder(self, session: str) -> Path:
        """Where the recording of ``session`` is, or will be."""
        return self._recordings / session

    def _run(
        self, keeper: KeeperClient, order: Order, pid: int, *, new: bool, heard: bool
    ) -> ProcessRun:
        raw = self.folder(order.session) / RAW
        return ProcessRun(
            keeper,
            self._keeper,
            order.session,
            pid,
            terminal=order.terminal,
            attended=new and order.terminal.attended,
            ears=Ears(raw, whole=new) if heard else None,
            glance=partial(self.screens.glance, raw.parent, order.terminal, pid),
            adopted=not new,
        )

    def _recorded(self, session: str) -> RecordedRun | None:
        playback = Playback(self._recordings / session)
        try:
            how, size = playback.exit, playback.size
        except SessionNotFound:
            return None
        return None if how is None else RecordedRun(session, how, size)


class ProcessRun:
    """A process that the keeper holds."""

    def __init__(
        self,
        keeper: KeeperClient,
        get: GetKeeper,
        session: str,
        pid: int,
        *,
        terminal: TerminalSpec,
        attended: bool,
        ears: Ears | None,
        glance: Callable[[], Awaitable[Activity]],
        adopted: bool,
    ) -> None:
        """``ears`` hear what it announces; of a part of another nobody listens to that."""
        self._keeper = keeper
        self._get = get
        self._session = session
        self._pid = pid
        self._pty = terminal.pty
        #: The keeper forgets with the connection that it is not to answer queries.
        self._attended = attended
        self._ears = ears
        self._glance = glance
        self._needs: Needs | None = None
        #: Whether ``needs`` tells the truth; not before an adopted session was listened to.
        self._known = not adopted
        #: There while it waits for a person; done when something came that may be the answer.
        self._answer: asyncio.Future[None] | None = None

    async def observations(self) -> AsyncIterator[Observation]:
        """What happens, in order; of an adopted session first whether it waits."""
        yield Started(self._pid)
        news = News(self._told())
        try:
            while True:
                told = await news.next(self._answer)
                if self._answer is not None and self._answer.done():
                    yield self._goes_on()
                if isinstance(told, KeeperGrew):
                    yield Grew(told.size)
                    seen = await self._listen(told.size)
                    if seen is not None:
                        yield seen
                elif told is not None:
                    yield told if isinstance(told, Lost) else _finished(told.status)
                    return
        finally:
            await news.close()

    async def _told(self) -> AsyncGenerator[KeeperGrew | EndedSession | Lost, None]:
        """The keeper's news; a lost connection is taken up again while the keeper is the same."""
        lost = 0
        while True:
            keeper = self._keeper
            try:
                async with aclosing(keeper.watch(self._session)) as watch:
                    async for told in watch:
                        lost = 0
                        yield told
            except SessionNotFound as error:
                why = error.message
            except KeeperLost as error:
                lost += 1
                if lost <= _RECONNECTS_MOST and await self._reconnect(keeper):
                    continue
                why = error.message
            else:
                why = "the keeper has nothing more to tell"
            yield Lost(why)
            return

    async def _reconnect(self, lost: KeeperClient) -> bool:
        """True where only the connection was lost, and the same keeper answers on a new one."""
        try:
            keeper = await self._get()
            if keeper is lost or keeper.keeper != lost.keeper:
                return False
            if self._attended:
                await keeper.attend(self._session, on=True)
        except (KeeperLost, SessionNotFound):
            return False
        self._keeper = keeper
        return True

    async def _insist(self, ask: Callable[[KeeperClient], Awaitable[T]]) -> T:
        """Ask what may be asked twice: once more where the connection was lost meanwhile."""
        keeper = self._keeper
        try:
            return await ask(keeper)
        except KeeperLost:
            if not await self._reconnect(keeper):
                raise
        return await ask(self._keeper)

    async def _listen(self, size: int) -> Asks | GoesOn | None:
        if self._ears is None:
            return None
        heard = await self._ears.hear(size)
        if isinstance(heard, Waiting):
            needs = Needs(heard.kind, heard.question, heard.options)
            if self._answer is not None and needs == self._needs:
                return None  # drawn again, as programs do
            self._known, self._needs = True, needs
            self._answer = asyncio.get_running_loop().create_future()
            return Asks(needs)
        if self._known and (heard is None or self._answer is None):
            return None
        return self._goes_on()

    def _goes_on(self) -> GoesOn:
        self._known, self._answer = True, None
        return GoesOn()

    def halted(self) -> str:
        """That a signal stopped it, in words."""
        return halted(self._pid)

    async def look(self) -> Activity:
        """What it does, as far as a look at its terminal tells."""
        return await self._glance()

    async def write(self, data: bytes) -> None:
        """Type; nothing ends the input. A line typed while it waits is taken for the answer.

        Never typed twice: where the connection is lost meanwhile, it is not known whether it was.
        One that was lost before is taken up again first.
        """
        if self._keeper.closed:
            await self._reconnect(self._keeper)
        if data:
            await self._keeper.write(self._session, data)
        else:
            await self._keeper.eof(self._session)
        answers = not data or not self._pty or b"\r" in data or b"\n" in data
        if answers and self._answer is not None and not self._answer.done():
            self._answer.set_result(None)

    async def answer(self, needs: Needs, text: str) -> None:  # noqa: ARG002 - it asks one thing
        """Type the answer as a line."""
        await self.write(text.encode() + (b"\r" if self._pty else b"\n"))

    async def resize(self, cols: int, rows: int) -> None:
        """Change the size of its terminal."""
        await self._insist(lambda keeper: keeper.resize(self._session, cols, rows))

    async def attend(self, on: bool, *, shown: int | None = None) -> int | None:
        """Say whether a real terminal is attached; ``None`` where there is none to stand in for."""
        if not self._pty:
            return None
        self._attended = on
        begins = await self._insist(lambda keeper: keeper.attend(self._session, on=on, shown=shown))
        if begins is None:
            begins = (await self._insist(lambda keeper: keeper.status(self._session))).size
        return begins if on else None

    async def interrupt(self) -> None:
        """SIGINT to the foreground process group, on a terminal too.

        Typing Ctrl-C does the same where the terminal is in its usual mode. But it would queue up
        behind input that the program has not read yet, and a program that reads single keys would
        get it as one more key.
        """
        await self._insist(
            lambda keeper: keeper.signal(self._session, signal.SIGINT, to="foreground")
        )

    async def terminate(self) -> None:
        """SIGTERM to the whole tree."""
        await self._insist(lambda keeper: keeper.signal(self._session, signal.SIGTERM, to="tree"))

    async def kill(self) -> int:
        """SIGKILL to the whole tree; how many processes are left, looked up afterwards."""
        return (await self._insist(lambda keeper: keeper.kill(self._session))).left

    async def close(self) -> None:
        """Let the keeper forget it; that it has already is no error."""
        with suppress(SessionNotFound):
            await self._insist(lambda keeper: keeper.collect(self._session))


class RecordedRun:
    """A process that ended and that the keeper has forgotten; its recording tells how it ended."""

    def __init__(self, session: str, how: Exit, size: int) -> None:
        self._session = session
        self._last = Finished(how, size)

    async def observations(self) -> AsyncIterator[Observation]:
        """That it has finished."""
        yield self._last

    async def write(self, data: bytes) -> None:
        """Refused: nobody is there to read. Raises SessionNotFound."""
        raise SessionNotFound(f"{self._session} has ended; {len(data)} bytes were not typed.")

    async def answer(self, needs: Needs, text: str) -> None:
        """Refused: nobody is there to ask. Raises SessionNotFound."""
        raise SessionNotFound(f"{self._session} has ended; it asks nothing: {needs.kind}, {text}.")

    async def resize(self, cols: int, rows: int) -> None:
        """Do nothing: it has no terminal any more."""

    async def attend(self, on: bool, *, shown: int | None = None) -> None:
        """Do nothing: nobody asks its terminal any more."""

    async def interrupt(self) -> None:
        """Do nothing: it has stopped."""

    async def terminate(self) -> None:
        """Do nothing: it has stopped."""

    async def kill(self) -> int:
        """None are left: the keeper forgets a session only when nothing of it lives."""
        return 0

    async def close(self) -> None:
        """Do nothing: it is forgotten."""


def _finished(status: Status) -> Finished | Lost:
    if status.code is None and status.signal is None:
        return Lost("the keeper cannot tell how it ended")
    return Finished(Exit(status.code, status.signal), status.size)
