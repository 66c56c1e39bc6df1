"""Prompts for what runs, and their receipts: what has a key is handed over once.

That a prompt is about to be handed over is stored before it is, and what became of it when nothing
more will be known. In between the run tells; it is asked, and never believed to have forgotten.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Final

import anyio

from inspan.control import EventQuery
from inspan.engine.following import at_rest
from inspan.engine.ledger import Ledger
from inspan.engine.patrol import until
from inspan.engine.ports import Clock, Finished, Lost, Observation, Reached, Run
from inspan.engine.prompting import TakesPrompts
from inspan.errors import (
    BadInput,
    IllegalTransition,
    InputFull,
    InspanError,
    KeyReused,
    StaleAttempt,
    WriterTaken,
)
from inspan.model import event as e
from inspan.model.receipt import KEY_MOST, STAGES, Arrival, Receipt, Stage, Way
from inspan.model.task import Task, is_active

#: How many events are read at a time.
_PAGE: Final = 1000
_ENDED: Final = "it ended before a turn had it"
_UNKNOWN: Final = "inspan was stopped while it was handed over: whether it arrived is not known"


class _Slip:
    """One prompt, as this engine follows it."""

    def __init__(self, receipt: Receipt, attempt: int, digest: str, *, ours: bool) -> None:
        self.receipt = receipt
        self.attempt = attempt
        self.digest = digest
        #: This engine hands it over, or has; of others only facts and the run tell.
        self.ours = ours
        #: Why it was not handed over.
        self.error: InspanError | None = None
        #: Set when it was handed over or not, and when nothing more will be known.
        self.handed = asyncio.Event()
        self.done = asyncio.Event()
        if not ours:
            self.handed.set()
        if receipt.settled:
            self.done.set()


class Receipts:
    """Of one task, for as long as one attempt of it lives."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        spawn: Callable[[Callable[[], Awaitable[None]]], None],
        task: str,
        typed: Callable[[], bool] = lambda: False,
    ) -> None:
        """``typed``: whether a person types into its terminal, where a prompt would interfere."""
        self._ledger = ledger
        self._clock = clock
        self._spawn = spawn
        self._task = task
        self._typed = typed
        #: By key; as many as the task has facts of them.
        self._slips: dict[str, _Slip] | None = None

    # Made when there is a prompt: most tasks never have one.

    @cached_property
    def _deciding(self) -> anyio.Lock:
        """Held while it is decided whether a prompt is new."""
        return anyio.Lock(fast_acquire=True)

    @cached_property
    def _handing(self) -> anyio.Lock:
        """Held while one is handed over."""
        return anyio.Lock(fast_acquire=True)

    async def prompt(self, run: Run | None, text: str, key: str | None, wait: float) -> Receipt:
        """Hand it to ``run``, where its key is new; its receipt after at most ``wait`` seconds.

        Raises BadInput, KeyReused, IllegalTransition, and what the run raises that refuses it.
        """
        if not text.strip():
            raise BadInput("there is nothing to say")
        if key is None:
            key = self._clock.entropy(8).hex()
        if not 0 < len(key) <= KEY_MOST:
            raise BadInput(f"a key has 1 to {KEY_MOST} characters")
        async with self._deciding:
            slip = await self._slip(run, text, key)
        await slip.handed.wait()
        if slip.error is not None:
            raise slip.error
        if not slip.done.is_set():
            await until(slip.done, self._clock, self._clock.monotonic() + wait)
        return slip.receipt

    def of(self, run: Run) -> AsyncIterator[Observation]:
        """What ``run`` tells, less what it tells of prompts."""
        if not isinstance(run, TakesPrompts):
            return run.observations()
        run.share(self._typed)
        return self._heard(run)

    async def _heard(self, run: Run) -> AsyncIterator[Observation]:
        async for seen in run.observations():
            if isinstance(seen, Reached):
                await self._reached(seen.key, seen.arrival)
                continue
            if isinstance(seen, Finished | Lost):
                await self._lose_rest()
            yield seen

    # ── handing over ─────────────────────────────────────────────────────────

    async def _slip(self, run: Run | None, text: str, key: str) -> _Slip:
        digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
        slips = await self._known()
        slip = slips.get(key)
        if slip is not None and slip.digest != digest:
            raise KeyReused(
                f"the key {key!r} was used for another prompt",
                hint="Use a new key for a new prompt, or send the same one again.",
            )
        if slip is not None and (run is None or not await self._again(slip, run)):
            return slip
        task = await self._ledger.get(self._task)
        if run is None:
            raise _refusal(task)
        way = run.way if isinstance(run, TakesPrompts) else Way.TYPED
        if way is Way.SCREEN and self._typed():
            raise WriterTaken("somebody types into its terminal", hint="Wait until they leave it.")
        receipt = Receipt(key=key, way=way, stage=Stage.QUEUED, at=self._clock.now())
        slip = slips[key] = _Slip(receipt, task.attempt, digest, ours=True)
        given = slip
        # Whoever asked may go meanwhile: half a prompt is worse than none.
        self._spawn(lambda: self._hand(run, given, text))
        return slip

    async def _again(self, slip: _Slip, run: Run) -> bool:
        """Whether it has to be handed over, since nothing of it ever was."""
        receipt = slip.receipt
        if receipt.settled:
            return receipt.lost and receipt.stage is Stage.QUEUED and slip.error is None
        if slip.ours:
            return False
        task = await self._ledger.get(self._task)
        here = isinstance(run, TakesPrompts) and slip.attempt == task.attempt
        known = await run.knows(receipt.key) if here and isinstance(run, TakesPrompts) else None
        if known is None:
            self._move(slip, Arrival(Stage.WRITTEN, lost=True, why=_UNKNOWN))
            await self._tell_settled(slip)
        return known is False

    async def _hand(self, run: Run, slip: _Slip, text: str) -> None:
        accepted = False
        try:
            async with self._handing:
                if isinstance(run, TakesPrompts):
                    await run.check_prompt(text)
                key, way = slip.receipt.key, slip.receipt.way
                fact = e.PromptAccepted(slip.attempt, key, slip.digest, way)
                await self._ledger.record(self._task, fact)
                accepted = True
                if isinstance(run, TakesPrompts):
                    arrival = await run.prompt(key, text)
                else:
                    await run.write(self._line(text))
                    arrival = Arrival(Stage.WRITTEN)
            if not slip.receipt.settled:
                self._move(slip, arrival)
        except InspanError as error:
            slip.error = error
            self._move(slip, Arrival(slip.receipt.stage, lost=True, why=error.message))
            if not accepted and self._slips is not None:
                self._slips.pop(slip.receipt.key, None)
        finally:
            slip.handed.set()
        if accepted and slip.receipt.settled:
            await self._tell_settled(slip)

    def _line(self, text: str) -> bytes:
        """With the Enter of a terminal, or the end of a line."""
        pty = self._ledger.open[self._task].spec.terminal.pty
        return text.encode(errors="surrogateescape") + (b"\r" if pty else b"\n")

    # ── what becomes of it ───────────────────────────────────────────────────

    async def _reached(self, key: str, arrival: Arrival) -> None:
        slip = (await self._known()).get(key)
        if slip is None or slip.receipt.settled:
            return
        if self._move(slip, arrival):
            await self._tell_settled(slip)

    async def _lose_rest(self) -> None:
        for slip in (self._slips or {}).values():
            if not slip.receipt.settled and slip.handed.is_set():
                self._move(slip, Arrival(slip.receipt.stage, lost=True, why=_ENDED))
                await self._tell_settled(slip)

    def _move(self, slip: _Slip, arrival: Arrival) -> bool:
        """It is further, or lost; never back. True where nothing more will be known."""
        known, stages = slip.receipt, STAGES[slip.receipt.way]
        if stages.index(arrival.stage) < stages.index(known.stage):
            arrival = replace(arrival, stage=known.stage)
        slip.receipt = replace(
            known, stage=arrival.stage, lost=arrival.lost, why=arrival.why, at=self._clock.now()
        )
        return slip.receipt.settled

    async def _tell_settled(self, slip: _Slip) -> None:
        told = slip.receipt
        fact = e.PromptSettled(slip.attempt, told.key, told.stage, told.lost, told.why)
        with suppress(IllegalTransition, StaleAttempt):  # its attempt is over: it counts as lost
            await self._ledger.insist(self._task, fact)
        slip.done.set()

    # ── what is stored ───────────────────────────────────────────────────────

    async def _known(self) -> dict[str, _Slip]:
        """All prompts of the task, those from before this engine read out of their facts."""
        if self._slips is None:
            found = await self._stored()
            self._slips = found if self._slips is None else self._slips
        return self._slips

    async def _stored(self) -> dict[str, _Slip]:
        task, slips, since = await self._ledger.get(self._task), dict[str, _Slip](), 0
        while True:
            query = EventQuery(task=self._task, since=since, limit=_PAGE)
            events = await self._ledger.history(query)
            for event in events:
                _take(slips, event)
            if len(events) < _PAGE:
                break
            since = events[-1].seq
        for slip in slips.values():
            if not slip.receipt.settled and (slip.attempt != task.attempt or task.done):
                self._move(slip, Arrival(Stage.WRITTEN, lost=True, why=_ENDED))
                slip.done.set()
        return slips


def _take(slips: dict[str, _Slip], event: e.Event) -> None:
    match event.fact:
        case e.PromptAccepted(attempt, key, digest, way):
            receipt = Receipt(key=key, way=way, stage=Stage.QUEUED, at=event.at)
            slips[key] = _Slip(receipt, attempt, digest, ours=False)
        case e.PromptSettled(_, key, stage, lost, why) if key in slips:
            slip = slips[key]
            slip.receipt = replace(slip.receipt, stage=stage, lost=lost, why=why, at=event.at)
            slip.done.set()
        case _:
            return


def _refusal(task: Task) -> InspanError:
    if not is_active(task.state):
        return at_rest(task)
    return InputFull("the program is not there yet, or its checks are running")
