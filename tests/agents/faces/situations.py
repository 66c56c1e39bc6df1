"""What a person lives through with an agent, and what it does at each moment of it.

Of every situation there is a function that drives a ``Hand``. A label is noted once the endpoint's
log says that it is so, and taken back before anything is pressed that may change it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from tests.agents.drive import marked
from tests.agents.endpoint.scenario import LONG
from tests.agents.endpoint.serve import Endpoint
from tests.agents.faces.face import Face
from tests.agents.faces.hand import PATIENCE, Hand

#: In seconds: how long a state is looked at.
LOOKED = 2.0
#: Beyond which nobody waits for a screen to rest.
QUIET_MOST = 25.0


@dataclass(frozen=True)
class Scene:
    """One agent on its terminal, with the endpoint that plays its model."""

    face: Face
    hand: Hand
    endpoint: Endpoint
    instance: str
    mark: str

    def answered(self, turn: str) -> bool:
        """Whether the endpoint has answered with this turn, wholly."""
        asked = self.endpoint.requests(self.instance)
        return any(each.turn == turn and each.status for each in asked)

    def asked(self) -> bool:
        """Whether anything of the script was asked for."""
        return bool(self.endpoint.steps(self.instance))

    def runs(self, command: str) -> bool:
        """Whether a process of it has this in its command line."""
        return any(command in words for words in marked(self.mark).values())

    async def begin(self) -> None:
        """It takes a prompt; of one that is held out that is known by the time only."""
        if self.face.ready:
            await self.hand.until(self.face.ready, patience=4 * PATIENCE)
            await self.hand.stay(self.face.starts)
            await self.hand.until(self.face.ready, patience=4 * PATIENCE)
            await self.hand.still(1.5)
            return
        await self.hand.until(r"\S", patience=4 * PATIENCE)
        await self.hand.stay(self.face.starts)
        await self._quiet()
        if self.face.greets:
            await self.hand.press(*self.face.greets)
            await self.hand.stay(self.face.starts / 2)
            await self._quiet()

    async def _quiet(self) -> None:
        """It shows nothing new for a moment, or has had time to."""
        seen, rests = time.monotonic(), min(1.5, self.face.rests)
        await self.hand.until(lambda: self.hand.quiet(rests) or time.monotonic() > seen + 8.0)

    async def ready(self) -> None:
        """It is at rest, and takes a prompt."""
        await self.hand.until(self.face.ready)
        await self.settled(1.5)
        await self.be("idle")

    async def be(self, doing: str, seconds: float = LOOKED) -> None:
        """It does this, for so long."""
        self.hand.note(doing)
        await self.hand.stay(seconds)
        self.hand.note(None)

    async def rest(self) -> None:
        """It comes to rest, and is idle."""
        await self.settled(1.5)
        await self.be("idle")

    async def settled(self, seconds: float = 1.0) -> None:
        """It is quiet for so long, or has had time to be: a picture of it may never rest.

        From now on: on a busy machine nothing of what a key has brought about may be shown yet.
        """
        with suppress(TimeoutError):
            await self.hand.still(seconds, patience=seconds + QUIET_MOST)

    async def stop(self) -> None:
        """A person gives up, and it hears of that; its model is asked no longer."""
        await self.hand.press(*self.face.stop)
        await self.hand.until(lambda: self.endpoint.steps(self.instance)[-1].ended is not None)

    async def prompt(self) -> None:
        """Tell it to work, and wait until its model is asked."""
        await self.hand.prompt("do what has to be done")
        await self.hand.until(self.asked)


async def answer(scene: Scene) -> None:
    """It answers, and has finished."""
    await scene.ready()
    await scene.prompt()
    await scene.hand.until(lambda: scene.answered("say"))
    await scene.rest()


async def slow(scene: Scene) -> None:
    """It answers, and that takes some seconds."""
    await scene.ready()
    await scene.prompt()
    await scene.hand.stay(0.5)
    await scene.be("working", 1.0)
    await scene.hand.until(lambda: scene.answered("slowly"))
    await scene.rest()


async def hang(scene: Scene) -> None:
    """Its model does not answer, until a person gives up."""
    await scene.ready()
    await scene.prompt()
    await scene.hand.stay(0.5)
    await scene.be("working", 4.0)
    await scene.stop()
    await scene.rest()


async def command(scene: Scene) -> None:
    """It runs a command that takes long, until a person gives up."""
    await scene.ready()
    await scene.prompt()
    await scene.hand.until(lambda: LONG in marked(scene.mark).values())
    await scene.hand.stay(0.5)
    await scene.be("working", 4.0)
    await scene.stop()
    await scene.rest()


async def permission(scene: Scene) -> None:
    """It asks for permission, and a person says no."""
    await scene.ready()
    await scene.prompt()
    await scene.hand.until(
        lambda: scene.answered("execute") or scene.answered("write") or scene.answered("ask")
    )
    await scene.hand.until(scene.face.dialog, patience=180.0)
    await scene.settled()
    await scene.be("waiting", 3.0)
    await scene.hand.press(*scene.face.deny)
    await scene.hand.until(lambda: not re.search(scene.face.dialog, scene.hand.look()))
    await scene.rest()


async def error(scene: Scene) -> None:
    """Its model is refused, and it gives up after some tries."""
    await scene.ready()
    await scene.prompt()
    await scene.settled(4.0)
    await scene.be("idle")


async def login(scene: Scene) -> None:
    """Nobody is logged in."""
    await scene.hand.until(scene.face.login)
    await scene.hand.still()
    await scene.be("waiting")


async def trust(scene: Scene) -> None:
    """It asks whether the folder is to be trusted."""
    await scene.hand.until(scene.face.trusts)
    await scene.hand.still()
    await scene.be("waiting")


@dataclass(frozen=True)
class Situation:
    """``scenario`` is the endpoint's; ``ask``: as in a ``Wish``."""

    drive: Callable[[Scene], Awaitable[None]]
    scenario: str
    ask: bool = False


SITUATIONS = {
    "answer": Situation(answer, "answer"),
    "slow": Situation(slow, "slow"),
    "hang": Situation(hang, "hang"),
    "command": Situation(command, "long_command"),
    "permission": Situation(permission, "permission", ask=True),
    "edit": Situation(permission, "write_file", ask=True),
    "question": Situation(permission, "question", ask=True),
    "error": Situation(error, "unauthorized"),
    "login": Situation(login, "answer"),
    "trust": Situation(trust, "answer"),
}
