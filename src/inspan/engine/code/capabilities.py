"""What code may ask its host for, where its session was granted it: tasks, a person, and the rest.

Each is called again under the same promise by an engine that comes later, so that what it does is
done once. It reaches an engine only through the verbs that it is handed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

import anyio

from inspan.engine.code.asks import Ask, Capability, Question
from inspan.engine.code.fetch import Fetch
from inspan.engine.code.keep import Get, Put
from inspan.engine.code.ports import CodePorts
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


class _Whole:
    """What is granted as a whole or not at all."""

    grant: ClassVar[str]

    @property
    def word(self) -> str:
        """The grant itself."""
        return self.grant

    def check(self, given: Sequence[str]) -> None:
        """Nothing is said of it. Raises BadInput."""
        for word in given:
            if word:
                raise BadInput(f"'{self.grant}={word:.100}': it is granted as {self.grant!r} alone")


@dataclass(frozen=True)
class Submit(_Whole):
    """``tasks.submit``: ``command`` or ``prompt``, and ``provider``, ``name``, ``role``.

    The task works where the session was opened, with its environment. The answer is its id.
    """

    tasks: TaskVerbs
    name: ClassVar[str] = "tasks.submit"
    grant: ClassVar[str] = "tasks"

    async def asked(self, ask: Ask) -> Any:
        """The task's id; the promise is its key."""
        said = ask.fields(("command", "prompt", "provider", "name", "role"))
        command = said.pop("command", ())
        if not isinstance(command, Sequence) or isinstance(command, str):
            raise BadInput("'command' is a list of words")
        for word in (*command, *said.values()):
            if not isinstance(word, str):
                raise BadInput(f"{word!r} is not text")
        spec = ask.place.session.spec
        wanted = TaskSpec(command=tuple(command), cwd=spec.cwd, env=dict(spec.env), **said)
        return (await self.tasks.submit(wanted, key=ask.promise)).id


@dataclass(frozen=True)
class Wait(_Whole):
    """``tasks.wait``: ``task``, by its id or name, once nothing more happens by itself."""

    tasks: TaskVerbs
    name: ClassVar[str] = "tasks.wait"
    grant: ClassVar[str] = "tasks"

    async def asked(self, ask: Ask) -> Any:
        """``task``, ``state``, ``exit`` and ``reason``."""
        ref = ask.fields(("task",)).get("task")
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


@dataclass(frozen=True)
class AskHuman(_Whole):
    """``human.ask``: ``question``, which stands in the transcript until somebody answers it."""

    name: ClassVar[str] = "human.ask"
    grant: ClassVar[str] = "human"

    async def asked(self, ask: Ask) -> Any:
        """Never: ``Cells.answer`` settles the promise."""
        question = question_of(ask)
        if not ask.place.wants(ask.promise):
            ask.place.want(Wanted(ask.cell, ask.promise, question))
        await anyio.sleep_forever()


def question_of(ask: Question) -> str:
    """What a person is asked. Raises BadInput."""
    question = ask.fields(("question",)).get("question")
    if not isinstance(question, str) or not 0 < len(question) <= _QUESTION:
        raise BadInput(f"'question' is text of 1 to {_QUESTION} characters")
    return question


def known(ports: CodePorts, tasks: TaskVerbs) -> tuple[Capability, ...]:
    """Every capability there is."""
    keeping = (Get(ports.store), Put(ports.store))
    return (AskHuman(), Submit(tasks), Wait(tasks), *keeping, Fetch(ports.web))
