"""What the Queen says is what her dialect understands, and what is answered she hears."""

from __future__ import annotations

import json
import os
from functools import partial

import anyio
import pytest

from inspan.agents.dialect import Turn
from inspan.agents.own import queen
from inspan.agents.signs import Began, Counted, Permission, Said, Sign, TurnEnded, Warned, Withdrawn
from inspan.errors import BadInput
from inspan.model.agent import Ending, Mode, Outcome, PartFailed, Usage
from inspan.model.task import Exit
from inspan.swarm.voice import Voice

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A3")]


class Both:
    """A voice, and the talk that hears it."""

    def __init__(self) -> None:
        self.talk = queen().talk(Turn(prompt="a goal", mode=Mode.STREAM))
        self.signs: list[Sign] = []
        self.voice = Voice(lambda line: self.signs.extend(self.talk.heard(line.encode())))

    def answer(self, request: str, text: str) -> None:
        line = self.talk.answer(request, text)
        assert line is not None
        self.talk.sent(line)
        self.voice.heard(line)


async def test_each_word_of_hers_is_a_sign() -> None:
    both = Both()
    both.voice.began("goal")
    both.voice.say("one\ntwo")
    both.voice.warn("odd")
    both.voice.used(Usage(read=3, cost=0.5))
    both.voice.used(Usage(read=3, cost=0.5))  # told once
    told = Outcome(
        Ending.FAILED, "most", "a hint", failed=(PartFailed("b", "exit", "with 3", "Mend it."),)
    )
    both.voice.ended(told)
    began, said, warned, counted, ended = both.signs
    assert isinstance(began, Began)
    assert began.session.id == "goal"
    assert said == Said("one\ntwo")
    assert warned == Warned("odd")
    assert counted == Counted(Usage(read=3, cost=0.5))
    assert isinstance(ended, TurnEnded)
    assert both.talk.over
    assert both.talk.outcome(Exit(code=0), stopped=False, complaint="") == told


async def test_questions_are_answered_in_any_order() -> None:
    both = Both()
    answers: dict[str, str] = {}

    async def ask(question: str) -> None:
        answers[question] = await both.voice.ask(question, ("yes", "no"))

    async with anyio.create_task_group() as group:
        group.start_soon(ask, "first?")
        group.start_soon(ask, "second?")
        await anyio.wait_all_tasks_blocked()
        asked = {one.name: one.request for one in both.signs if isinstance(one, Permission)}
        with pytest.raises(BadInput, match="yes, no"):
            both.talk.answer(asked["first?"], "perhaps")
        both.answer(asked["second?"], "no")
        both.answer(asked["first?"], "yes")
    assert answers == {"first?": "yes", "second?": "no"}
    assert both.talk.answer(asked["first?"], "yes") is None  # it is asked no more


async def test_a_question_that_is_given_up_is_withdrawn() -> None:
    both = Both()
    async with anyio.create_task_group() as group:
        group.start_soon(partial(both.voice.ask, "well?", about="a"))
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    asked, withdrawn = both.signs
    assert isinstance(asked, Permission)
    assert (asked.name, asked.about) == ("well?", "a")
    assert withdrawn == Withdrawn(asked.request)
    assert both.talk.answer(asked.request, "yes") is None


async def test_she_hears_whole_lines_and_nothing_else() -> None:
    both = Both()
    read, write = os.pipe()
    os.set_blocking(read, False)
    line = json.dumps({"type": "answer", "request": "q1", "text": "yes"}).encode() + b"\n"
    async with anyio.create_task_group() as group:
        group.start_soon(both.voice.listen, read)
        with os.fdopen(write, "wb", buffering=0) as pipe:
            pipe.write(b"nonsense\n[]\n" + line[:9])
            await anyio.wait_all_tasks_blocked()
            pipe.write(line[9:])
            assert await both.voice.ask("well?") == "yes"
    os.close(read)


def test_without_a_last_word_she_was_stopped_or_failed() -> None:
    talk = queen().talk(Turn(prompt="a", mode=Mode.STREAM))
    assert not talk.over
    assert talk.outcome(Exit(signal=2), stopped=True, complaint="").ending is Ending.STOPPED
    failed = talk.outcome(Exit(code=1), stopped=False, complaint="Traceback")
    assert failed.ending is Ending.FAILED
