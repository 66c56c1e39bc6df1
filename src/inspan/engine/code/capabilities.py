"""What code may ask its host for, where its session was granted it: tasks, and a person.

Each is called again under the same promise by an engine that comes later, so that what it does is
done once. It reaches an engine only through the verbs that it is handed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

import anyio

from inspan.engine.code.asks import Ask, Capability
from inspan.errors import BadInput
from inspan.model.code import Wanted
from inspan.model.event import Event
from inspan.model.plain import dump
from inspan.model.task import Task, TaskSpec

#: Of a question to a person, in characters.
_QUESTION: Final = 4096


class TaskVerbs(Protocol):
    """What is used of ``control.Tasks``."""

    async def submit(self, spec: TaskSpec, *, key: str | None = None) -> Task:
        """As there."""
        ...

    async def get(self, task: str) -> Task:
        """As there."""
        ...

    def watch(
        self, since: int | None = None, *, task: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """As there."""
        ...


@dataclass(frozen=True, slots=True)
class Submit:
    """``tasks.submit``: ``command`` or ``prompt``, and ``provider``, ``name``, ``role``.

    The task works where the session was opened, with its environment. The answer is its id.
    """

    tasks: TaskVerbs
    name: ClassVar[str] = "tasks.submit"
    grant: ClassVar[str] = "tasks"

    async def asked(self, ask: Ask) -> Any:
        """The task's id; the promise is its key."""
        said = _fields(ask, ("command", "prompt", "provider", "name", "role"))
        command = said.pop("command", ())
        if not isinstance(command, Sequence) or isinstance(command, str):
            raise BadInput("'command' is a list of words")
        for word in (*command, *said.values()):
            if not isinstance(word, str):
                raise BadInput(f"{word!r} is not text")
        spec = ask.place.session.spec
        wanted = TaskSpec(command=tuple(command), cwd=spec.cwd, env=dict(spec.env), **said)
        return (await self.tasks.submit(wanted, key=ask.promise)).id


@dataclass(frozen=True, slots=True)
class Wait:
    """``tasks.wait``: ``task``, by its id or name, once nothing more happens by itself."""

    tasks: TaskVerbs
    name: ClassVar[str] = "tasks.wait"
    grant: ClassVar[str] = "tasks"

    async def asked(self, ask: Ask) -> Any:
        """``task``, ``state``, ``exit`` and ``reason``."""
        ref = _fields(ask, ("task",)).get("task")
        if not isinstance(ref, str):
            raise BadInput("'task' is the id of a task")
        found = await self.tasks.get(ref)
        async with aclosing(self.tasks.watch(found.seq, task=found.id)) as events:
            while not found.settled:
                await anext(events)
                found = await self.tasks.get(found.id)
        return {
            "task": found.id,
            "state": found.state.value,
            "exit": None if found.exit is None else found.exit.status,
            "reason": None if found.reason is None else dump(found.reason),
        }


@dataclass(frozen=True, slots=True)
class AskHuman:
    """``human.ask``: ``question``, which stands in the transcript until somebody answers it."""

    name: ClassVar[str] = "human.ask"
    grant: ClassVar[str] = "human"

    async def asked(self, ask: Ask) -> Any:
        """Never: ``Cells.answer`` settles the promise."""
        question = _fields(ask, ("question",)).get("question")
        if not isinstance(question, str) or not 0 < len(question) <= _QUESTION:
            raise BadInput(f"'question' is text of 1 to {_QUESTION} characters")
        if not ask.place.wants(ask.promise):
            ask.place.want(Wanted(ask.cell, ask.promise, question))
        await anyio.sleep_forever()


def known(tasks: TaskVerbs) -> tuple[Capability, ...]:
    """Every capability there is."""
    return (AskHuman(), Submit(tasks), Wait(tasks))


def _fields(ask: Ask, names: Sequence[str]) -> dict[str, Any]:
    if not isinstance(ask.payload, Mapping):
        raise BadInput("what is asked is a dict", hint=f"Its keys are {', '.join(names)}.")
    strange = [key for key in ask.payload if key not in names]
    if strange:
        raise BadInput(f"there is no {strange[0]!r} here", hint=f"There is {', '.join(names)}.")
    return dict(ask.payload)
