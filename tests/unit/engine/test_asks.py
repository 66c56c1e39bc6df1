"""What code asks of its host: by its grants, once, and across the death of an engine."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from inspan.engine.code.asks import KEPT, MOST, PAYLOAD_MOST
from inspan.engine.code.keep import ROOM
from inspan.engine.code.ports import CodeAsked, Fetched
from inspan.errors import BadInput, Conflict
from inspan.model.code import (
    Asked,
    CodeSpec,
    Given,
    Grants,
    Printed,
    RunEnded,
    Wanted,
)
from inspan.model.promise import PromiseState
from inspan.model.task import TaskSpec
from tests.fakes.code import FakeCodeRun
from tests.fakes.rest import at_rest
from tests.unit.engine.asks_stage import World, begun

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D7")]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with begun() as made:
        yield made


async def test_a_task_is_submitted_once_and_waited_for(world: World) -> None:
    session, run = await world.opened()
    run.ask("tasks.submit", {"command": ["true"], "name": "it"}, "r-1")
    await at_rest()
    (task,) = world.tasks.made.values()
    assert [*world.tasks.made] == [f"code/{session.id}/r-1"]
    assert task.spec == TaskSpec(command=("true",), name="it", cwd="/", env={"A": "1"})
    run.ask("tasks.wait", {"task": task.id}, "r-2")
    await at_rest()
    assert run.asked == ["settle r-1 t1 None"]
    world.tasks.ended.set()
    await at_rest()
    said = {"task": "t1", "state": "completed", "exit": 0, "reason": None}
    assert run.asked[1:] == [f"settle r-2 {said} None"]


async def test_another_engine_goes_on_waiting_and_does_nothing_twice(world: World) -> None:
    _, run = await world.opened()
    run.ask("tasks.submit", {"command": ["true"]}, "r-1")
    await at_rest()
    run.ask("tasks.wait", {"task": "t1"}, "r-2")
    await at_rest()
    await world.begin()
    world.tasks.ended.set()
    await at_rest()
    assert world.tasks.sent == 1
    # What was answered is told again: it may not have arrived.
    assert set(run.asked[:-1]) == {"settle r-1 t1 None"}
    assert run.asked[-1].startswith("settle r-2 {'task': 't1', 'state': 'completed'")


async def test_a_person_is_asked_in_the_transcript_and_answers_there(world: World) -> None:
    session, run = await world.opened()
    run.ask("human.ask", {"question": "Which one?"})
    await at_rest()
    request = f"code/{session.id}/promise-1"
    assert await world.facts(session, Wanted) == [Wanted(None, request, "Which one?")]
    await world.begin()
    assert len(await world.facts(session, Wanted)) == 1
    await world.code.answer(session.id, request, "the left one")
    await at_rest()
    assert run.asked == ["settle promise-1 the left one None"]
    assert await world.facts(session, Given) == [Given(request)]
    with pytest.raises(Conflict):
        await world.code.answer(session.id, request, "the right one")


async def test_a_person_answers_as_soon_as_there_is_an_engine(world: World) -> None:
    session, run = await world.opened()
    run.ask("human.ask", {"question": "Which one?"})
    await at_rest()
    await world.begin(rest=False)
    await world.code.answer(session.id, f"code/{session.id}/promise-1", "the left one")
    await at_rest()
    assert run.asked == ["settle promise-1 the left one None"]


async def test_nobody_answers(world: World) -> None:
    session, run = await world.opened()
    run.ask("human.ask", {"question": "Well?"})
    await world.clock.advance(61)
    assert run.asked == ["settle promise-1 None Nobody answered in time."]
    assert len(await world.facts(session, Given)) == 1
    run.ask("human.ask", {"question": "And now?"}, "promise-2")
    await at_rest()
    await world.code.answer(session.id, f"code/{session.id}/promise-2", None)
    await at_rest()
    assert run.asked[1:] == ["settle promise-2 None Nobody wants to answer."]


@pytest.mark.parametrize(
    ("capability", "payload", "error"),
    [
        (
            *("magic", {}),
            "There is no capability 'magic'; there is http.fetch, human.ask, store.get, store.put,"
            " tasks.submit, tasks.wait.",
        ),
        ("human.ask", {"question": ""}, "'question' is text of 1 to 4096 characters"),
        ("human.ask", "Well?", "what is asked is a dict; its keys are question"),
        ("tasks.submit", {"command": "true"}, "'command' is a list of words"),
        ("tasks.submit", {"command": [1]}, "1 is not text"),
        (
            *("tasks.submit", {"cwd": "/"}),
            "there is no 'cwd' here; there is command, prompt, provider, name, role",
        ),
        ("store.get", {"key": ""}, "'key' is text of 1 to 256 characters"),
        ("store.get", {"key": 1}, "'key' is text of 1 to 256 characters"),
        ("store.put", {"key": "k" * 257, "value": 1}, "'key' is text of 1 to 256 characters"),
        (
            *("store.put", {"key": "k", "value": "x" * 65_535}),
            "'value' has 65537 bytes, and 65536 are the most",
        ),
        (
            *("http.fetch", {"url": "http://a.org"}),
            "This session was not granted 'http', which 'http.fetch' needs."
            " Open one with `inspan py --session NAME --grant http=ORIGIN`, or with"
            " Grants(capabilities=('http=ORIGIN',)).",
        ),
        (
            *("human.ask", {"question": "x" * PAYLOAD_MOST}),
            f"What is asked has {PAYLOAD_MOST + 16} bytes, and {PAYLOAD_MOST} are the most.",
        ),
        ("tasks.wait", {"task": 3}, "'task' is the id of a task"),
        ("tasks.wait", {"task": "t9"}, "Task not found."),
    ],
)
async def test_what_cannot_be_done_is_said(
    world: World, capability: str, payload: object, error: str
) -> None:
    _, run = await world.opened()
    run.ask(capability, payload)
    await at_rest()
    assert run.asked == [f"settle promise-1 None {error}"]


async def test_what_no_store_can_take_is_refused(world: World) -> None:
    _, run = await world.opened()
    deep: object = 1
    for _ in range(100_000):
        deep = [deep]
    for payload in (float("nan"), deep):
        answer = await said(run, "store.put", {"key": "k", "value": payload})
        assert answer.startswith("None what is asked cannot be stored"), answer


async def test_too_many_questions_are_refused(world: World) -> None:
    _, run = await world.opened()
    for number in range(MOST + 1):
        run.ask("human.ask", {"question": "Well?"}, f"p{number}")
    await at_rest()
    (said,) = run.asked
    assert said.endswith(f"{MOST} questions of this session are open already.")


async def test_a_question_that_nobody_waits_for_is_given_up(world: World) -> None:
    session, run = await world.opened()
    run.ask("human.ask", {"question": "Well?"})
    run.withdraw()  # before it can be stored
    await at_rest()
    run.ask("human.ask", {"question": "Well?"}, "promise-2")
    await at_rest()
    run.withdraw("promise-2")
    run.withdraw("promise-3")
    await at_rest()
    requests = [f"code/{session.id}/promise-{number}" for number in (1, 2)]
    assert await world.facts(session, Given) == [Given(request) for request in requests]
    for request in requests:
        promise = await world.store.promise(request)
        assert promise is not None
        assert promise.state is PromiseState.CANCELED
        with pytest.raises(Conflict):
            await world.code.answer(session.id, request, "yes")


async def test_a_task_of_an_ended_cell_goes_on_waiting(world: World) -> None:
    session, run = await world.opened()
    cell = await world.code.execute(session.id, "time.sleep(9)")
    run.say(CodeAsked(cell.id, "p", "human.ask", {"question": "Well?"}, 60.0))
    await at_rest()
    await world.code.interrupt(session.id)
    assert await world.facts(session, Given) == []
    await world.code.answer(session.id, f"code/{session.id}/p", "yes")
    await at_rest()
    assert run.asked[-1] == "settle p yes None"


async def test_a_session_whose_task_waits_for_an_answer_is_not_idle(world: World) -> None:
    session, run = await world.opened()
    run.say(CodeAsked(None, "p", "human.ask", {"question": "Well?"}, 1e6))
    await world.clock.advance(1000)
    assert await world.code.close_idle(60) == 0
    await world.code.answer(session.id, f"code/{session.id}/p", "yes")
    await at_rest()
    await world.clock.advance(1000)
    assert await world.code.close_idle(60) == 1


async def test_the_questions_of_a_dead_process_are_given_up(world: World) -> None:
    session, run = await world.opened()
    run.ask("human.ask", {"question": "Well?"})
    await at_rest()
    run.die()
    await at_rest()
    promise = await world.store.promise(f"code/{session.id}/promise-1")
    assert promise is not None
    assert promise.state is PromiseState.CANCELED
    assert run.asked == []
    last = await world.facts(session, Given, RunEnded)
    assert [type(fact) for fact in last] == [Given, RunEnded]


async def said(run: FakeCodeRun, capability: str, payload: object) -> str:
    """What one question is answered with."""
    run.asked.clear()
    run.ask(capability, payload, f"said-{len(run.told)}")
    await at_rest()
    (answer,) = run.asked
    return answer.partition(" ")[2].partition(" ")[2]


async def with_grants(world: World, *capabilities: str) -> FakeCodeRun:
    made = await world.code.open(CodeSpec(cwd="/", grants=Grants(capabilities=capabilities)))
    return world.workers.runs[f"{made.id}-1"]


async def test_what_an_engine_had_not_taken_is_told_by_the_next(world: World) -> None:
    """It died between the word of the code and the first write of the store."""
    session, run = await world.opened()
    world.store.shut = True
    run.ask("human.ask", {"question": "Well?"})
    await at_rest()
    run.say(Printed(None, "stdout", "and so on"))
    world.store.shut = False
    await world.begin()
    missed = "The daemon ended before it had taken this; ask again."
    assert run.asked == [f"settle promise-1 None {missed}"]
    assert await world.facts(session, Asked) == [Asked(None, "promise-1", "human.ask")]
    run.asked.clear()
    run.say(Printed(None, "stdout", "and so on"))
    await world.begin()
    assert run.asked == []


async def test_few_answers_are_kept(world: World) -> None:
    session, run = await world.opened()
    for number in range(KEPT + 5):
        run.ask("store.put", {"key": "k", "value": number}, f"p{number}")
        await at_rest()
    under = f"code/{session.id}"
    assert len(await world.store.promises_under(under)) == KEPT
    assert await world.store.promise(f"{under}/p4") is None
    assert await world.store.promise(f"{under}/p5") is not None
    await world.begin()
    await world.clock.advance(100)
    await world.begin()
    for number in range(3):
        run.ask("store.put", {"key": "k", "value": number}, f"q{number}")
        await at_rest()
    assert len(await world.store.promises_under(under)) == KEPT


async def test_what_is_put_is_there_for_another_engine(world: World) -> None:
    _, run = await world.opened()
    value = {"a": [1, None, "\u2603"]}
    assert await said(run, "store.put", {"key": "k", "value": value}) == "None None"
    await world.begin()
    assert await said(run, "store.get", {"key": "k"}) == f"{value} None"
    assert await said(run, "store.put", {"key": "k", "value": None}) == "None None"
    assert await said(run, "store.get", {"key": "k"}) == "None None"


async def test_a_space_is_of_one_session_or_of_those_who_share_its_name(world: World) -> None:
    runs = [await with_grants(world, f"store{name}") for name in ("", "", "=it", "=it", "=other")]
    for number in (0, 2):
        await said(runs[number], "store.put", {"key": "k", "value": number})
    found = [await said(run, "store.get", {"key": "k"}) for run in runs]
    assert found == ["0 None", "None None", "2 None", "2 None", "None None"]


async def test_a_space_that_is_full_takes_no_more(world: World) -> None:
    _, run = await world.opened()
    for number in range(ROOM.keys):
        run.ask("store.put", {"key": str(number), "value": 1}, f"p{number}")
        if number % 100 == 0:
            await at_rest()
    await at_rest()
    full = "None No room: 1000 keys and 4 MiB are the most."
    assert await said(run, "store.put", {"key": "more", "value": 1}) == full
    assert await said(run, "store.put", {"key": "7", "value": 2}) == "None None"


async def test_a_page_is_fetched_from_an_origin_that_was_granted(world: World) -> None:
    run = await with_grants(world, "http=https://a.org", "http=https://b.org")
    world.web.pages["https://b.org/"] = Fetched(200, (), b"hi")
    told = {"url": "https://b.org", "status": 200, "headers": {}, "text": "hi"}
    assert await said(run, "http.fetch", {"url": "https://b.org"}) == f"{told} None"
    refused = await said(run, "http.fetch", {"url": "https://c.org"})
    assert refused.startswith("None This session was not granted https://c.org")


@pytest.mark.parametrize(
    "capabilities",
    [
        *(("magic",), ("",), ("tasks=all",), ("human=Ada",), ("Tasks",), ("tasks ",)),
        *(("store", "store=it"), ("store=../it",), ("store=" + "x" * 101,)),
        *(("http",), ("http=",), ("http=a.org",), ("http=https://a.org/path",)),
    ],
)
async def test_what_cannot_be_granted_is_refused(
    world: World, capabilities: tuple[str, ...]
) -> None:
    with pytest.raises(BadInput, match=r"grants\.capabilities"):
        await with_grants(world, *capabilities)
    assert await world.code.list(ended=True) == ()
