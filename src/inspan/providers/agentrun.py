"""An agent's process as a ``Run``: its lines become observations, and answers become its lines.

It reads what the agent said out of the recording and writes to it through the keeper. It knows no
agent (``inspan.agents`` does) and no task.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

import anyio
import anyio.to_thread

from inspan.agents import signs as s
from inspan.agents.signs import Sign
from inspan.engine.ports import (
    Asks,
    BacksOff,
    Began,
    Counted,
    Decided,
    Finished,
    GoesOn,
    Grew,
    Halts,
    Lost,
    Observation,
    Reached,
    Run,
)
from inspan.errors import BadInput, Conflict, InputFull, KeeperLost, SessionNotFound
from inspan.model.agent import Outcome
from inspan.model.judging import Judgement
from inspan.model.permission import Decision
from inspan.model.receipt import Arrival, Stage, Way
from inspan.model.session import Ended, Gap, Output
from inspan.model.task import Needs
from inspan.providers.dialogue import Dialogue
from inspan.providers.hands import Hands
from inspan.providers.listening import News
from inspan.providers.permits import Permits
from inspan.providers.saying import Saying
from inspan.terminal.playback import Playback, Typed

log = logging.getLogger(__name__)

#: The process has ended, or the keeper has.
_GONE: Final = (Conflict, SessionNotFound, KeeperLost)
#: How much is written at a time, and read: the keeper holds no more for a child that is slow.
_PIECE: Final = 1 << 15
_READ: Final = 1 << 18
#: How long a program that does not read is left alone between two tries, and how often.
_FULL_PAUSE: Final = 0.05
_FULL_TRIES: Final = 600
#: How long an agent may take to read that its turn is to end, in seconds.
_HEARS: Final = 1.0
#: How long an agent that has nothing more to do may take to end, in seconds.
_LINGER: Final = 10.0


class AgentRun:
    """A live agent. ``inner`` is its process, and ``folder`` the recording of it."""

    way: Final = Way.LINES

    def __init__(
        self,
        inner: Run,
        folder: Path,
        dialogue: Dialogue,
        permits: Permits,
        saying: Saying,
        hands: Hands,
        *,
        adopted: bool,
        ended: Callable[[Outcome | None], None],
    ) -> None:
        """``ended`` is told how it ended; nothing, where that is not known."""
        self._inner = inner
        self._ended = ended
        self._outcome: Outcome | None = None
        self._playback = Playback(folder)
        self._dialogue = dialogue
        self._permits = permits
        self._saying = saying
        self._hands = hands
        hands.commands.listen(self._awake)
        #: Requests that no rule decides.
        self._referred: set[str] = set()
        self._adopted = adopted
        self._at = 0
        self._stopped = False
        self._closed = False
        #: Its input was closed, and it has had its time to end.
        self._lingers = False
        #: What the person is asked now, and whether that was told.
        self._needs: Needs | None = None
        self._told = not adopted
        self._wake: asyncio.Future[None] | None = None
        self._overdue: asyncio.TimerHandle | None = None
        self._turns = anyio.Lock()
        #: How far each prompt had got when that was told last.
        self._arrived: dict[str, Arrival] = {}

    async def observations(self) -> AsyncIterator[Observation]:
        """What happens, in order; of an adopted agent first where it stands."""
        news = News(cast("AsyncGenerator[Observation, None]", self._inner.observations()))
        self._wake = asyncio.get_running_loop().create_future()
        try:
            if self._adopted:
                for seen in await self._caught_up():
                    yield seen
                with suppress(Conflict, InputFull, *_GONE):
                    await self._take_up_commands()
            await self._write_due()
            async for seen in self._stands():
                yield seen
            while True:
                told = await news.next(self._wake)
                if self._wake.done():  # what comes while this is looked at is news again
                    self._wake = asyncio.get_running_loop().create_future()
                async for seen in self._after(told):
                    yield seen
                if isinstance(told, Finished | Lost):
                    return
        finally:
            self._ended(self._outcome)
            if self._overdue is not None:
                self._overdue.cancel()
            await self._hands.commands.close()
            await news.close()

    async def _after(self, told: Observation | None) -> AsyncIterator[Observation]:
        """What follows from one piece of news, or from an answer of ours."""
        if isinstance(told, Finished):
            for seen in await self._read(told.size):
                yield seen
            for sign in self._dialogue.ended():
                for seen in self._seen(sign):
                    yield seen
            for seen in self._reached():
                yield seen
            self._outcome = self._dialogue.outcome(told.exit, stopped=self._stopped)
            await self._hands.commands.end()
            yield Finished(told.exit, told.size, self._outcome)
            return
        if told is not None and not isinstance(told, Asks | GoesOn):
            yield told  # what its bytes seem to announce is not its word
        if isinstance(told, Grew):
            for seen in await self._read(told.size):
                yield seen
            await self._write_due()
        async for seen in self._stands():
            yield seen
        await self._close_if_over()

    async def _stands(self) -> AsyncIterator[Observation]:
        """What is new of that which it asks, which it was told, and which it does."""
        async for seen in self._asking():
            yield seen
        await self._serve()
        if self._hands.commands.printed:
            yield Grew(self._at)
        for seen in self._reached():
            yield seen
        if (does := self._saying.news()) is not None:
            yield does

    # ── reading ──────────────────────────────────────────────────────────────

    async def _read(self, size: int) -> list[Observation]:
        seen: list[Observation] = []
        while self._at < size:
            chunks = await anyio.to_thread.run_sync(self._playback.read, self._at, _READ)
            before = self._at
            for chunk in chunks:
                match chunk:
                    case Output(offset, data, stream):
                        self._at = offset + len(data)
                        seen += self._heard(data, stream)
                    case Gap(_, end):
                        self._at = end
                        self._dialogue.missing()
                    case Ended():
                        return seen
                    case _:
                        continue
            if self._at == before:
                break
        return seen

    def _heard(self, data: bytes, stream: str, at: float | None = None) -> Iterator[Observation]:
        if stream == "err":
            self._dialogue.complained(data)
            return
        for sign in self._dialogue.heard(data):
            self._saying.heard(sign, at)
            yield from self._seen(sign)

    def _seen(self, sign: Sign) -> Iterator[Observation]:
        match sign:
            case s.Began(session):
                yield Began(session)
            case s.Counted(usage):
                yield Counted(usage)
            case s.BacksOff(seconds, why, ending):
                yield BacksOff(seconds, why, ending)
            case _:
                return

    async def _take_up_commands(self) -> None:
        """Those that run; and tell it of one that was started, and of which it was not told."""
        commands = self._hands.commands
        await commands.take_up(self._dialogue.terminals)
        for asked in tuple(self._dialogue.wants.values()):
            if isinstance(asked, s.CommandAsked) and await commands.knows(asked):
                await self._reply(asked.request, Decision.ALLOW)

    async def _serve(self) -> None:
        """Tell it what came of what it wants of its commands."""
        for asked in tuple(self._dialogue.looks.values()):
            answer = await self._hands.commands.answer(asked)
            told = None if answer is None else self._dialogue.served(asked.request, answer)
            if told is not None:
                with suppress(InputFull, *_GONE):
                    async with self._turns:
                        await self._send(told)
                    self._dialogue.close_request(asked.request)

    async def _caught_up(self) -> Iterable[Observation]:
        """Fold what was said before this daemon came, which may be much."""
        async with self._turns:  # nobody answers before it is known what is asked
            return await anyio.to_thread.run_sync(self._folded)

    def _folded(self) -> Iterable[Observation]:
        """The last word of each kind."""
        latest: dict[type[Observation], Observation] = {}
        for moment in self._playback.timeline():
            match moment.what:
                case Typed(data):
                    self._dialogue.typed(data)
                    self._saying.prompted(moment.at)
                case Output(offset, data, stream):
                    self._at = offset + len(data)
                    for seen in self._heard(data, stream, moment.at):
                        latest[type(seen)] = seen
                case Gap(_, end):
                    self._at = end
                    self._dialogue.missing()
                case _:
                    continue
        latest.pop(BacksOff, None)
        return latest.values()

    # ── being asked ──────────────────────────────────────────────────────────

    async def _asking(self) -> AsyncIterator[Observation]:
        """Tell what it asks, the oldest first, or that it asks nothing any more."""
        for asked in tuple(self._dialogue.open.values()):
            if asked.request not in self._referred:
                async for seen in self._judged(asked):
                    yield seen
        first = next(iter(self._dialogue.open.values()), None)
        needs = None if first is None else _needs(first, len(self._dialogue.open) - 1)
        if self._told and needs == self._needs:
            return
        self._needs, self._told = needs, True
        self._saying.asks(needs)
        yield GoesOn() if needs is None else Asks(needs)

    async def _judged(self, asked: s.Permission) -> AsyncIterator[Observation]:
        """Answer what a rule decides. That it did is stored first: a daemon may die in between."""
        judgement = await self._permits.judged(asked)
        self._referred.add(asked.request)
        wanted = self._dialogue.wants.get(asked.request)
        if wanted is not None and _goes_without_saying(wanted, judgement):
            with suppress(Conflict, InputFull, *_GONE):
                await self._reply(asked.request, Decision.ALLOW)
            return
        if judgement.decision is Decision.ASK or not self._takes(asked, judgement.decision):
            return
        question, by = _needs(asked).question, str(judgement.rule)
        yield Decided(asked.request, question, judgement.decision, by)
        with suppress(InputFull, *_GONE):  # a person may try, or nobody needs to
            await self._reply(asked.request, judgement.decision)

    def _takes(self, asked: s.Permission, text: str) -> bool:
        """Whether it can be told that: some offer no way to allow a thing just once."""
        if asked.request in self._dialogue.wants:
            return True
        try:
            return self._dialogue.talk.answer(asked.request, text) is not None
        except BadInput:
            return False

    async def answer(self, needs: Needs, text: str) -> None:
        """Answer a request that is open. Raises Conflict where it is not, BadInput."""
        self._dialogue.allowed_by_person(needs.id)
        await self._reply(needs.id, text)
        self._awake()

    async def _reply(self, request: str, text: str) -> None:
        async with self._turns:
            wanted = self._dialogue.wants.get(request)
            if wanted is not None and text == Decision.ALLOW:
                told = self._dialogue.served(request, await self._hands.do(wanted))
            else:
                told = self._dialogue.talk.answer(request, text)
            if request not in self._dialogue.open or told is None:
                raise Conflict(
                    "it no longer asks that", hint="`inspan show ID` tells what it does."
                )
            await self._send(told)
            self._dialogue.close_request(request)

    async def write(self, data: bytes) -> None:
        """Hand it one more prompt; nothing ends its input. Raises Conflict where it takes none."""
        if not data:
            await (self._end_input() if self._dialogue.fed else self._close())
            return
        prompt = data.decode(errors="replace").rstrip("\r\n")  # an Enter ends it, and is none of it
        async with self._turns:
            await self._send(self._asked(prompt))

    # ── prompts with a receipt ───────────────────────────────────────────────

    async def check_prompt(self, text: str) -> None:
        """Raises Conflict where it takes none now."""
        async with self._turns:
            self._asked(text)

    async def prompt(self, key: str, text: str) -> Arrival:
        """Hand it over, or have it wait for the end of the turn. Raises Conflict, InputFull."""
        async with self._turns:
            await self._send(self._asked(text, key))
        self._awake()
        return self._dialogue.talk.handed.arrivals.get(key, Arrival(Stage.WRITTEN))

    async def knows(self, key: str) -> bool:
        """The recording has all that it was sent."""
        async with self._turns:
            return key in self._dialogue.talk.handed.arrivals

    def share(self, taken: Callable[[], bool]) -> None:
        """Nobody types where there is no terminal."""

    def _asked(self, prompt: str, key: str = "") -> bytes:
        self._dialogue.talk.handed.check_room()
        told = None if self._closed else self._dialogue.talk.ask(prompt, key)
        if told is None:
            raise Conflict(
                "it takes no further prompt now",
                hint="`inspan show ID` tells what it does; one that has ended can be resumed.",
            )
        return told

    def _reached(self) -> Iterator[Observation]:
        """Tell which prompts have got further."""
        for key, arrival in tuple(self._dialogue.talk.handed.arrivals.items()):
            if self._arrived.get(key) != arrival:
                self._arrived[key] = arrival
                yield Reached(key, arrival)

    # ── writing ──────────────────────────────────────────────────────────────

    async def _write_due(self) -> None:
        async with self._turns:
            due = self._dialogue.due()
            if due and not self._closed:
                try:
                    await self._send(due)
                except InputFull as error:
                    log.warning("%s", error)  # the rest goes when it is heard of next
                except _GONE as error:
                    log.debug("%s", error)  # which is told by itself

    async def _send(self, data: bytes) -> None:
        """Write all of it, and note what was. Raises InputFull where it does not read."""
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            await self._piece(piece)
            self._dialogue.typed(piece)
            self._saying.prompted()

    async def _piece(self, piece: bytes) -> None:
        for _ in range(_FULL_TRIES):
            try:
                await self._inner.write(piece)
            except InputFull:
                await anyio.sleep(_FULL_PAUSE)
            else:
                return
        raise InputFull("the agent does not read what it is sent")

    async def _close_if_over(self) -> None:
        """End its input once it has nothing more to do; one that stays is told to go."""
        if self._lingers:
            await self._inner.terminate()
        elif self._closed or self._dialogue.due():
            return
        elif self._dialogue.talk.over:
            await self._close()
        elif self._dialogue.fed:
            await self._end_input()

    async def _end_input(self) -> None:
        self._closed = True
        with suppress(*_GONE):  # as above
            await self._inner.write(b"")

    async def _close(self) -> None:
        await self._end_input()
        self._overdue = asyncio.get_running_loop().call_later(_LINGER, self._linger)

    def _linger(self) -> None:
        self._lingers = True
        self._awake()

    def _awake(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    # ── the process ──────────────────────────────────────────────────────────

    def halted(self) -> str:
        """That a signal stopped it, in words."""
        return self._inner.halted() if isinstance(self._inner, Halts) else ""

    async def resize(self, cols: int, rows: int) -> None:
        """Change the size of its terminal."""
        await self._inner.resize(cols, rows)

    async def attend(self, on: bool, *, shown: int | None = None) -> int | None:
        """Say whether a real terminal is attached."""
        return await self._inner.attend(on, shown=shown)

    async def interrupt(self) -> None:
        """End its turn as its protocol has it, and its input; by a signal where it has no word."""
        self._stopped = True
        self._hands.commands.stop()
        told = self._dialogue.talk.interrupt()
        if told is None or self._closed or not await self._says(told):
            await self._inner.interrupt()
        else:
            await self._close()

    async def _says(self, told: bytes) -> bool:
        """Whether it could be told: one that does not read is not waited for."""
        with anyio.move_on_after(_HEARS), suppress(InputFull, *_GONE):
            async with self._turns:
                await self._send(told)
            return True
        return False

    async def terminate(self) -> None:
        """SIGTERM to the whole tree."""
        self._stopped = True
        self._hands.commands.stop()
        await self._inner.terminate()

    async def kill(self) -> int:
        """SIGKILL to the whole tree; how many processes are left."""
        self._stopped = True
        self._hands.commands.stop()
        return await self._inner.kill() + await self._hands.commands.kill()

    async def close(self) -> None:
        """Forget it: its exit has been stored."""
        await self._inner.close()


def _goes_without_saying(wanted: s.FileAsked | s.CommandAsked, judgement: Judgement) -> bool:
    """Neither a fact nor a question: what no rule is against, and is read or had its leave."""
    if judgement.decision is Decision.DENY:
        return False
    if isinstance(wanted, s.FileAsked) and wanted.text is None:
        return judgement.decision is Decision.ALLOW or judgement.rule is None
    return wanted.granted


def _needs(asked: s.Permission, more: int = 0) -> Needs:
    question = f"{asked.name}: {asked.title}" if asked.title else asked.name
    about = asked.about
    return Needs("permission", question, asked.options, id=asked.request, more=more, about=about)
