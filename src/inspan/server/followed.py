"""A task's newest session, read as far as it has come, and what was said in it.

Whoever asks has it read on; nothing is read while nobody asks. It knows no route.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread

from inspan.agents.dialect import Turn
from inspan.control import Control, EventQuery
from inspan.errors import SessionNotFound, Unable
from inspan.model.agent import Mode
from inspan.model.event import PromptAccepted
from inspan.model.session import Chunk, Gap, Output
from inspan.model.task import Task
from inspan.server.conversation import Conversation, Message, Shown, Spoken
from inspan.terminal import screen

if TYPE_CHECKING:
    from inspan.agents.dialect import Dialect
    from inspan.terminal.screen import Backend

#: In the place of a message whose words are not known: events keep no prompts.
ELSEWHERE: Final = "(a message that was not sent by this address)"
#: The most messages of ours that wait to be seen among the events.
_SENT_MOST: Final = 16
_PAGE: Final = 1 << 20
_EVENTS: Final = 500


class Followed:
    """One task. ``clock`` counts seconds that never go back."""

    def __init__(
        self, task: Task, dialects: Callable[[str], Dialect | None], clock: Callable[[], float]
    ) -> None:
        self.task = task
        #: When something printed was seen last.
        self.printed_at = clock()
        self._dialects = dialects
        self._clock = clock
        self._one = anyio.Lock()
        self._session: str | None = None
        self._conversation: Conversation | None = None
        self._shown: Shown | None = None
        self._offset = 0
        self._seq = 0
        self._sent: OrderedDict[str, str] = OrderedDict()

    @property
    def messages(self) -> list[Message]:
        """What was said by the last refresh."""
        return [] if self._conversation is None else self._conversation.messages()

    @property
    def screen(self) -> str:
        """What its terminal shows; nothing of an agent that speaks by lines."""
        return "" if self._shown is None else self._shown.screen()

    @property
    def by_lines(self) -> bool:
        """True where its agent tells its words itself."""
        return self._conversation is not None and self._shown is None

    def sends(self, text: str) -> str:
        """A key under which that is about to be handed over."""
        key = secrets.token_hex(16)
        self._sent[key] = text
        while len(self._sent) > _SENT_MOST:
            self._sent.popitem(last=False)
        return key

    async def refresh(self, control: Control) -> None:
        """Read what is new. Prompts come first: the screen is then what it was before them."""
        async with self._one:
            self.task = task = await control.get(self.task.id)
            if task.session is None:
                return
            if task.session != self._session or self._conversation is None:
                self._conversation = await self._begin(task, task.session)
            await self._learn_prompts(control, self._conversation)
            await self._read(control, task.session, self._conversation)

    async def _begin(self, task: Task, session: str) -> Conversation:
        spoken = self._spoken(task)
        self._session, self._offset, self._seq = session, 0, 0
        self._shown = None if spoken else Shown(await _emulator())
        began = task.started_at or task.created_at
        words = spoken or self._shown
        assert words is not None
        return Conversation(words, task.spec.prompt, began)

    def _spoken(self, task: Task) -> Spoken | None:
        hand = task.hand(task.attempt)
        dialect = self._dialects(hand.provider)
        if dialect is None or (mode := hand.mode or dialect.modes[0]) is Mode.PTY:
            return None
        turn = Turn(prompt=task.spec.prompt or "", mode=mode, resume=task.resumes)
        return Spoken(dialect.talk(turn))

    async def _learn_prompts(self, control: Control, conversation: Conversation) -> None:
        while True:
            query = EventQuery(task=self.task.id, since=self._seq, limit=_EVENTS)
            events = await control.history(query)
            for event in events:
                fact = event.fact
                if isinstance(fact, PromptAccepted) and fact.attempt == self.task.attempt:
                    conversation.prompted(self._sent.pop(fact.key, ELSEWHERE), event.at)
                self._seq = event.seq
            if len(events) < _EVENTS:
                return

    async def _read(self, control: Control, session: str, conversation: Conversation) -> None:
        """A page at a time, in a thread: of a long recording there is much to draw."""
        while True:
            try:
                chunks = await control.read(session, self._offset, _PAGE)
            except SessionNotFound:
                return
            if not chunks:
                return
            before = self._offset
            self._offset = max([before, *map(_end, chunks)])
            await anyio.to_thread.run_sync(_feed, conversation, chunks)
            if self._offset == before:
                return
            self.printed_at = self._clock()


_backend: Final[Callable[[], Backend]] = cache(screen.backend)


async def _emulator() -> Backend:
    """Raises Unable where there is none."""
    found = await anyio.to_thread.run_sync(_backend)
    if found is screen.BLIND:
        raise Unable(
            "nothing here can tell what a terminal shows",
            hint="`pip install 'inspan[agents]'` beside the daemon brings what can.",
        )
    return found


def _feed(conversation: Conversation, chunks: tuple[Chunk, ...]) -> None:
    for chunk in chunks:
        conversation.feed(chunk)


def _end(chunk: Chunk) -> int:
    match chunk:
        case Output(offset, data):
            return offset + len(data)
        case Gap(_, end):
            return end
        case _:
            return 0
