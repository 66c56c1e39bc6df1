"""Each session under the addresses that agentapi has, for the programs that were written for it.

One session of ours is one server of theirs: what they ask of ``/status`` is asked here of
``/v1/tasks/ID/agentapi/status``. The shapes are those of its document (agentapi 0.11.6, MIT). It
says only what Control knows, and keeps nothing that a new daemon would miss but what it was told
itself.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
from starlette.responses import Response

from inspan.control import Control
from inspan.errors import Conflict, IllegalTransition
from inspan.model.activity import Doing
from inspan.model.task import Task, TaskState
from inspan.server import schema, sse
from inspan.server.replies import AgentStatus
from inspan.server.rest import Stop, answer
from inspan.server.visitor import Scope, require
from inspan.server.ways import Asked

if TYPE_CHECKING:
    from inspan.server.conversation import Message
    from inspan.server.followed import Followed

#: As agentapi calls an agent that it does not know by name.
_CUSTOM: Final = "custom"
#: The kinds that it knows, of those that there are here.
_KINDS: Final = frozenset({"aider", "claude", "codex", "gemini", "opencode"})
#: A program that tells nothing of itself is at rest once it has printed nothing for so long, as
#: agentapi has it (seconds).
STABLE: Final = 2.0
#: Seconds that a message is waited for until the agent has it.
PATIENCE: Final = 15.0
#: Seconds between two looks for whoever listens, and of a task that is over.
BEAT: Final = 0.25
SLOW_BEAT: Final = 2.0
#: The most sessions whose conversations are held; of the one that was asked for least lately
#: it is made again from its recording.
HELD_MOST: Final = 16


class AgentApi:
    """The routes over one Control."""

    def __init__(
        self, control: Control, stop: Stop, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._control = control
        self._stop = stop
        self._clock = clock
        self._held: OrderedDict[str, Followed] = OrderedDict()

    async def status(self, asked: Asked) -> Response:
        held = await self._fresh(asked.ref)
        return answer(await self._standing(held))

    async def messages(self, asked: Asked) -> Response:
        held = await self._fresh(asked.ref)
        return answer({"messages": [_told(each) for each in held.messages]})

    async def message(self, asked: Asked) -> Response:
        body = schema.read(schema.Messaging, await asked.body())
        if body.type is schema.Messages.RAW:
            require(asked.request, Scope.ATTACH)
            await self._control.send(asked.ref, body.content.encode())
            return answer({"ok": True})
        held = await self._fresh(asked.ref)
        if held.task.needs is not None:
            await self._control.answer(held.task.id, body.content)
            return answer({"ok": True})
        # An agent that speaks by lines keeps a message for its next turn; one that is typed to is
        # not to be disturbed, as agentapi has it.
        if not held.by_lines and await self._is(held) is not AgentStatus.STABLE:
            raise Conflict(
                "the agent is at work", hint="Send it when the status is `stable`, or type `raw`."
            )
        key = held.sends(body.content)
        receipt = await self._control.prompt(
            held.task.id, body.content, key=key, wait=0 if held.by_lines else PATIENCE
        )
        kept = held.by_lines and not receipt.lost
        return answer({"ok": receipt.arrived or kept})

    async def events(self, asked: Asked) -> Response:
        return sse.Streamed(partial(self._following, asked.ref, self._news), self._stop)

    async def screen(self, asked: Asked) -> Response:
        return sse.Streamed(partial(self._following, asked.ref, self._screens), self._stop)

    # ── following ─────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def _following(
        self, ref: str, told: Callable[[Followed], AsyncIterator[bytes]]
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        yield told(await self._fresh(ref))

    async def _news(self, held: Followed) -> AsyncIterator[bytes]:
        """All that there is, and then what is new, as often as it grows."""
        told: dict[int, Message] = {}
        was: dict[str, Any] | None = None
        number = 0
        while True:
            now = await self._standing(held)
            for message in held.messages:
                if told.get(message.id) != message:
                    told[message.id] = message
                    number += 1
                    yield sse.said("message_update", _updated(message), number)
            if now != was:
                was, number = now, number + 1
                yield sse.said("status_change", now, number)
            await self._rest(held)

    async def _screens(self, held: Followed) -> AsyncIterator[bytes]:
        shown: str | None = None
        number = 0
        while True:
            if (now := held.screen) != shown:
                shown, number = now, number + 1
                yield sse.said("screen", {"screen": now}, number)
            await self._rest(held)

    async def _rest(self, held: Followed) -> None:
        """A beat, and what is new by then."""
        await anyio.sleep(SLOW_BEAT if held.task.done else BEAT)
        await held.refresh(self._control)

    async def _fresh(self, ref: str) -> Followed:
        """The conversation as it is by now."""
        # Agents and terminals are loaded for who asks for them, and not as the daemon starts.
        from inspan.agents import registry  # noqa: PLC0415
        from inspan.server.followed import Followed  # noqa: PLC0415

        task = await self._control.get(ref)
        held = self._held.get(task.id)
        if held is None:
            held = self._held[task.id] = Followed(task, registry.find, self._clock)
            while len(self._held) > HELD_MOST:
                self._held.popitem(last=False)
        self._held.move_to_end(task.id)
        await held.refresh(self._control)
        return held

    async def _standing(self, held: Followed) -> dict[str, Any]:
        return {"status": await self._is(held), "agent_type": _kind(held.task)}

    async def _is(self, held: Followed) -> AgentStatus:
        """Whether it takes a message now, or would if it ran."""
        task = held.task
        if task.settled or task.needs is not None:
            return AgentStatus.STABLE
        if task.state is not TaskState.RUNNING:
            return AgentStatus.RUNNING
        try:
            doing = (await self._control.activity(task.id)).doing
        except IllegalTransition:
            return AgentStatus.RUNNING  # it begins, or is about to end
        if doing is Doing.UNKNOWN:
            quiet = self._clock() - held.printed_at >= STABLE
            return AgentStatus.STABLE if quiet else AgentStatus.RUNNING
        return AgentStatus.RUNNING if doing is Doing.WORKING else AgentStatus.STABLE


def _kind(task: Task) -> str:
    name = task.hand(task.attempt).provider
    return name if name in _KINDS else _CUSTOM


def _told(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "role": message.author,
        "content": message.text,
        "time": datetime.fromtimestamp(message.at, UTC).isoformat(),
    }


def _updated(message: Message) -> dict[str, Any]:
    """The same; the text of an event has another name."""
    told = _told(message)
    return {"message": told.pop("content"), **told}
