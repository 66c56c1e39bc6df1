"""Drives an agent through a story, and notes what it does by the script and the model's log alone.

A beat that does not go as it should ends the recording, which is then not kept. What is shown is
never used for a label, but to see that a change has been drawn.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from inspan.model.activity import Doing
from tests.agents.endpoint.runs import Request
from tests.agents.endpoint.scenario import Ask, Execute, Say, Slowly
from tests.agents.faces.face import Face
from tests.agents.faces.situations import Scene
from tests.agents.faces.stories import Beat, Story

#: In seconds: from a change to a label that counts on it, and from a label to the next change.
DRAWN, BEFORE = 0.7, 0.3
#: How long a question and a rest are looked at.
ASKED, RESTED = 3.1, 2.1
#: How long a model that hangs is waited for.
HANGS = 6.0
#: How long a screen may go on to change that ought to be at rest.
RESTLESS = 5.0
#: From when on an agent that was answered, and did nothing, asks once more.
AGAIN = 15.0
#: So many characters of a command are looked for among the processes.
COMMAND = 20


def met(face: Face, beat: Beat) -> Beat:
    """As this agent meets it: one that asks before everything asks in the place of what it does."""
    if face.wary and beat.kind == "tool":
        return replace(beat, kind="ask", situation="permission")
    return beat


@dataclass
class Teller:
    """One agent, from its first prompt to its last."""

    scene: Scene
    #: Other sizes, taken one after another while a question is shown.
    sizes: list[tuple[int, int]]
    asked: int = 0

    async def tell(self, story: Story) -> None:
        """All of it; raises TimeoutError where it goes otherwise."""
        scene = self.scene
        await scene.begin()
        if not story.ask:
            await scene.hand.press(*scene.face.lets)
        await self._be(Doing.IDLE, "ready", RESTED)
        for beat in story.beats:
            # What is asked in words only looks like any other answer.
            spoken = scene.face.agent.bare and isinstance(beat.turns[0], Ask)
            if not spoken and not (scene.face.frail and beat.kind == "refused"):
                await self._beat(met(scene.face, beat))

    async def _beat(self, beat: Beat) -> None:
        scene = self.scene
        scene.endpoint.script(scene.instance, *scene.face.spoken(beat.turns))
        before = len(self._steps())
        await scene.hand.prompt(scene.face.polite + beat.prompt, *scene.face.send)
        await scene.hand.until(lambda: len(self._steps()) > before)
        if beat.kind == "hang" and not scene.face.patient:
            await self._be(Doing.WORKING, beat.situation, HANGS)
            await scene.hand.press(*scene.face.stop)
            await scene.hand.until(lambda: self._steps()[-1].ended is not None)
            await self._rest("interrupted")
            return
        await self._turns(beat, before)
        await self._drawn(beat, before)
        if scene.face.begs and beat.kind == "refused":
            await self._be(Doing.WAITING, "login", ASKED)
            return
        await self._rest("error" if beat.kind == "refused" else "finished")

    async def _turns(self, beat: Beat, before: int) -> None:
        """Each turn of the beat, until the last is answered."""
        if beat.kind == "refused":
            await self._refused(before)
            return
        last = before + len(beat.turns)
        for number in range(before, last):
            if number > before:
                asks = partial(self._asks_again, number)
                await self._be_until(Doing.WORKING, beat.situation, asks)
            await self._be_until(Doing.WORKING, beat.situation, partial(self._ended, number))
            over = self._steps()[number].turn == "unable" or number == last - 1
            if over or (beat.kind == "ask" and not await self._asks(beat, number + 1)):
                return

    async def _drawn(self, beat: Beat, before: int) -> None:
        """Wait until all of its answer is seen, where that may take long."""
        face = self.scene.face
        last = face.spoken(beat.turns)[-1]
        whole = len(self._steps()) >= before + len(beat.turns)
        if face.draws and whole and isinstance(last, Say | Slowly):
            shown = face.rested or re.escape(last.text.split()[-1])
            await self.scene.hand.until(shown, patience=face.draws)

    async def _refused(self, before: int) -> None:
        """Wait until it tries no more."""
        tries, since = before, time.monotonic()

        def gave_up() -> bool:
            nonlocal tries, since
            if len(self._steps()) != tries:
                tries, since = len(self._steps()), time.monotonic()
            return time.monotonic() >= since + 8.0

        await self.scene.hand.until(gave_up, patience=90)

    async def _asks(self, beat: Beat, done: int) -> bool:
        """A person is asked, and answers; false where that ended the turn."""
        scene = self.scene
        moved = partial(self._moved, beat, done)
        for again in range(scene.face.rounds if beat.allow else 1):
            if await self._within(AGAIN if again else scene.face.ponders, moved):
                return True
            if not await self._asked(beat, moved):
                return True
        if await self._within(25.0 if beat.allow else 4.0, moved):
            return True
        if beat.allow and not scene.face.agent.bare:
            await scene.hand.until(lambda: False, patience=0.0)
        return False

    async def _asked(self, beat: Beat, moved: Callable[[], bool]) -> bool:
        """A person looks at a question, some in two sizes, and answers; false where it went."""
        scene = self.scene
        if not await self._stands(beat, moved):
            return False
        self.asked += 1
        if self.sizes and self.asked % 2 == 0:
            await scene.hand.resize(*self.sizes[self.asked // 2 % len(self.sizes)])
            await scene.hand.stay(1.0)
            if not await self._stands(beat, moved):
                return False
        await scene.hand.press(*self._keys(beat))
        return True

    async def _stands(self, beat: Beat, moved: Callable[[], bool]) -> bool:
        """Whether the question stood all the while; else nothing is noted."""
        noted = len(self.scene.hand.notes)
        await self._be(Doing.WAITING, beat.situation, ASKED)
        if moved():
            del self.scene.hand.notes[noted:]
            return False
        return True

    def _keys(self, beat: Beat) -> tuple[str, ...]:
        face = self.scene.face
        if beat.allow:
            return face.allow
        return face.leave or face.deny if isinstance(beat.turns[0], Ask) else face.deny

    def _moved(self, beat: Beat, done: int) -> bool:
        """It asked its model again, or runs what it was to run."""
        commands = (turn.command for turn in beat.turns if isinstance(turn, Execute))
        return len(self._steps()) > done or any(
            self.scene.runs(command.splitlines()[0][:COMMAND]) for command in commands
        )

    async def _rest(self, situation: str) -> None:
        """It comes to rest; no label where it asks its model again by itself."""
        scene, seen = self.scene, time.monotonic()
        await scene.hand.until(lambda: all(each.ended is not None for each in self._steps()))
        most = seen + max(RESTLESS, 0.0 if scene.face.rested else scene.face.draws)
        await scene.hand.until(
            lambda: scene.hand.quiet(scene.face.rests) or time.monotonic() > most
        )
        asked, notes = len(self._steps()), len(scene.hand.notes)
        await self._be(Doing.IDLE, situation, RESTED)
        if len(self._steps()) != asked:
            del scene.hand.notes[notes:]

    async def _be(self, doing: Doing, situation: str, seconds: float) -> None:
        await self.scene.hand.stay(DRAWN)
        await self.scene.be(f"{doing}/{situation}", seconds)

    async def _be_until(self, doing: Doing, situation: str, over: Callable[[], bool]) -> None:
        """It does this until something is so; of a short one nothing is noted."""
        if await self._within(DRAWN, over):
            return
        began = time.time()
        await self.scene.hand.until(over, patience=60)
        if (ended := time.time() - BEFORE) > began:
            self.scene.hand.notes += [(began, f"{doing}/{situation}"), (ended, None)]

    async def _within(self, seconds: float, so: Callable[[], bool]) -> bool:
        """Whether it is so at any moment of these: a command may run for one only."""
        until, seen = time.monotonic() + seconds, False

        def over() -> bool:
            nonlocal seen
            seen = seen or so()
            return seen or time.monotonic() >= until

        await self.scene.hand.until(over)
        return seen

    def _steps(self) -> list[Request]:
        return self.scene.endpoint.steps(self.scene.instance)

    def _asks_again(self, number: int) -> bool:
        return len(self._steps()) > number

    def _ended(self, number: int) -> bool:
        return self._steps()[number].ended is not None
