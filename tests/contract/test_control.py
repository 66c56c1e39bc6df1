"""What every Control promises, in process or over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from functools import partial

import anyio
import pytest

from inspan.control import Control, EventQuery, PrunePolicy, SearchQuery, TaskQuery
from inspan.errors import (
    AmbiguousId,
    BadInput,
    Conflict,
    IllegalTransition,
    InspanError,
    KeyReused,
    NotFound,
    NothingToDecide,
    Refused,
    SessionNotFound,
    TaskNotFound,
    WriterTaken,
)
from inspan.model import event as e
from inspan.model.activity import Doing, Source
from inspan.model.goal import GoalPlan, PlanStep
from inspan.model.ids import TASK_ID, session_id, short
from inspan.model.place import SweepPolicy
from inspan.model.receipt import Stage
from inspan.model.session import Answers, Chunk, Ended, Output, Resized
from inspan.model.task import (
    TERMINAL,
    Exit,
    OnCrash,
    Patience,
    StopKind,
    TaskState,
    TerminalSpec,
    Verdict,
)
from tests.fakes.hands import Hand, ended, reached, running

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A1", "A5", "A9")]

NOBODY = "01zzzzzzzzzzzzzzzzzzzzzzzz"
PLAN = GoalPlan(steps=(PlanStep(name="a", prompt="do it"),))


async def gathered(chunks: AsyncIterator[Chunk], size: int) -> bytes:
    """The output of ``chunks`` until there are ``size`` bytes, each where its offset says."""
    got = b""
    first: int | None = None
    async for chunk in chunks:
        if isinstance(chunk, Output):
            first = chunk.offset if first is None else first
            assert chunk.offset == first + len(got)
            got += chunk.data
            if len(got) >= size:
                return got
    raise AssertionError(f"the session ended after {got!r}")


# ── tasks ─────────────────────────────────────────────────────────────────────


async def test_what_was_submitted_is_kept_as_it_was_said(hand: Hand) -> None:
    spec = replace(
        hand.spec,
        name="näme\x1b[31m",
        role="planner",
        labels={"a": "b"},
        priority=-3,
        retries=2,
        patience=Patience(deadline=None, idle=7.5, grace=0.25, lifted=True),
        terminal=TerminalSpec(pty=False, cols=132, rows=50),
        on_crash=OnCrash.RETRY,
        withheld=("AWS_SECRET",),
    )
    task = await hand.control.submit(spec)
    assert TASK_ID.fullmatch(task.id)
    assert task.spec == spec
    assert (await hand.control.get(task.id)).spec == spec


async def test_an_id_may_be_shortened_while_it_is_clear(hand: Hand) -> None:
    first, second = await hand.control.submit_all([hand.spec, hand.spec])
    assert (await hand.control.get(short(first.id))).id == first.id
    assert (await hand.control.get("last")).id == max(first.id, second.id)
    with pytest.raises(AmbiguousId):
        await hand.control.get(first.id[:4])


async def test_a_name_means_the_newest_of_that_name(hand: Hand) -> None:
    for name in ("build/x y?", "über%2F", "answer"):
        await hand.control.submit(replace(hand.spec, name=name))
        newest = await hand.control.submit(replace(hand.spec, name=name))
        assert (await hand.control.get(name)).id == newest.id


async def test_the_same_key_makes_one_task(hand: Hand) -> None:
    task = await hand.control.submit(hand.spec, key="k 1")
    again = await hand.control.submit(hand.spec, key="k 1")
    assert again.id == task.id
    with pytest.raises(KeyReused):
        await hand.control.submit(replace(hand.spec, name="other"), key="k 1")
    assert len((await hand.control.list()).tasks) == 1


async def test_several_are_accepted_together_or_not_at_all(hand: Hand) -> None:
    first, second = await hand.control.submit_all([hand.spec, replace(hand.spec, after=("@0",))])
    assert second.spec.after == (first.id,)
    assert second.state is TaskState.PENDING
    with pytest.raises(Refused):
        await hand.control.submit_all([hand.spec, replace(hand.spec, after=(NOBODY,))])
    with pytest.raises(BadInput):
        await hand.control.submit_all([])
    assert len((await hand.control.list()).tasks) == 2


VERBS: dict[str, Callable[[Control, str], Awaitable[object]]] = {
    "get": lambda control, ref: control.get(ref),
    "send": lambda control, ref: control.send(ref, b"x"),
    "prompt": lambda control, ref: control.prompt(ref, "x"),
    "answer": lambda control, ref: control.answer(ref, "yes"),
    "interrupt": lambda control, ref: control.interrupt(ref),
    "resume": lambda control, ref: control.resume(ref),
    "cancel": lambda control, ref: control.cancel(ref),
    "decide": lambda control, ref: control.decide(ref, Verdict.ACCEPT),
    "activity": lambda control, ref: control.activity(ref),
    "diff": lambda control, ref: control.diff(ref),
    "replan": lambda control, ref: control.replan(ref, PLAN, version=0),
    "read": lambda control, ref: control.read(ref),
    "times": lambda control, ref: control.times(ref),
    "frame": lambda control, ref: control.frame(ref),
    "search": lambda control, ref: control.search(SearchQuery(text="x", task=ref)),
    "history": lambda control, ref: control.history(EventQuery(task=ref)),
    "watch": lambda control, ref: anext(control.watch(0, task=ref)),
    "attach": lambda control, ref: control.attach(ref).__aenter__(),
}


@pytest.mark.parametrize("verb", VERBS)
async def test_an_unknown_id_is_not_found_by_any_verb(hand: Hand, verb: str) -> None:
    await hand.control.submit(hand.spec)
    for ref in (NOBODY, "zzzzzz", "a b/../ü?", ""):
        with pytest.raises(NotFound) as caught:
            await VERBS[verb](hand.control, ref)
        assert caught.value.hint


async def test_a_list_is_newest_first_filtered_and_paged(hand: Hand) -> None:
    specs = [
        replace(hand.spec, name=f"n{n}", role="even" if n % 2 == 0 else "odd") for n in range(7)
    ]
    made = await hand.control.submit_all(specs)
    await hand.control.cancel(made[0].id)
    page = await hand.control.list(TaskQuery(limit=3))
    ids = [task.id for task in page.tasks]
    while page.next is not None:
        page = await hand.control.list(TaskQuery(limit=3, before=page.next))
        ids += [task.id for task in page.tasks]
    assert ids == sorted((task.id for task in made), reverse=True)
    assert page.counts["cancelled"] == 1
    even = await hand.control.list(TaskQuery(role="even"))
    assert {task.spec.name for task in even.tasks} == {"n0", "n2", "n4", "n6"}
    assert [task.id for task in (await hand.control.list(TaskQuery(name="n3"))).tasks] == [
        made[3].id
    ]
    gone = await hand.control.list(TaskQuery(states=(TaskState.CANCELLED, TaskState.FAILED)))
    assert [task.id for task in gone.tasks] == [made[0].id]


async def test_tasks_that_belong_together_are_listed_together(hand: Hand) -> None:
    first = await hand.control.submit(hand.spec)
    others = await hand.control.submit_all(
        [replace(hand.spec, correlation=first.correlation), hand.spec] * 3
    )
    query = TaskQuery(correlation=first.correlation, limit=3)
    page = await hand.control.list(query)
    assert page.next is not None
    rest = await hand.control.list(replace(query, before=page.next))
    found = [task.id for task in (*page.tasks, *rest.tasks)]
    assert found == [others[4].id, others[2].id, others[0].id, first.id]
    assert rest.next is None


async def test_history_is_in_order_and_paged(hand: Hand) -> None:
    first = await hand.control.submit(replace(hand.spec, correlation="c-1"))
    second = await hand.control.submit(hand.spec)
    await hand.control.cancel(first.id)
    seen: list[e.Event] = []
    while page := await hand.control.history(
        EventQuery(since=seen[-1].seq if seen else 0, limit=2)
    ):
        seen += page
    assert [event.seq for event in seen] == sorted({event.seq for event in seen})
    assert {event.task for event in seen} == {first.id, second.id}
    own = await hand.control.history(EventQuery(task=short(first.id)))
    assert isinstance(own[0].fact, e.Submitted)
    assert isinstance(own[-1].fact, e.Cancelled)
    related = await hand.control.history(EventQuery(correlation="c-1"))
    assert related == own


# ── watching ──────────────────────────────────────────────────────────────────


async def test_a_watch_can_be_taken_up_again_without_a_gap(hand: Hand) -> None:
    made = await hand.control.submit_all([hand.spec] * 5)
    await hand.control.cancel(made[0].id)
    due = await hand.control.history()
    seen: list[e.Event] = []
    while len(seen) < len(due):
        async for event in hand.control.watch(seen[-1].seq if seen else 0):
            seen.append(event)
            if len(seen) % 3 == 0 or len(seen) == len(due):
                break
    assert tuple(seen) == due


async def test_a_watch_of_one_task_tells_nothing_of_others(hand: Hand) -> None:
    first, second = await hand.control.submit_all([hand.spec, hand.spec])
    await hand.control.cancel(first.id)
    await hand.control.cancel(second.id)
    async for event in hand.control.watch(0, task=short(second.id)):
        assert event.task == second.id
        if isinstance(event.fact, e.Cancelled):
            break


async def test_a_watch_from_now_on_tells_nothing_old(hand: Hand) -> None:
    await hand.control.submit(hand.spec)
    before = (await hand.control.history())[-1].seq
    seen: list[e.Event] = []

    async def watching() -> None:
        async for event in hand.control.watch():
            seen.append(event)
            group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(watching)
        # The watch begins some time after its task; until then nobody hears.
        for _ in range(10_000):
            await hand.control.submit(hand.spec)
    assert seen[0].seq > before


# ── the life of a task ────────────────────────────────────────────────────────


async def test_a_task_runs_prints_and_ends(hand: Hand) -> None:
    task = await running(hand)
    assert (task.attempt, task.session) == (1, session_id(task.id, 1))
    await hand.prints(task, b"hello\n")
    await hand.ends(task)
    task = await reached(hand.control, task, *TERMINAL)
    assert (task.state, task.exit, task.output_bytes) == (TaskState.COMPLETED, Exit(0), 6)


async def test_a_task_that_fails_says_so(hand: Hand) -> None:
    task = await ended(hand, 3)
    assert (task.state, task.exit) == (TaskState.FAILED, Exit(3))
    assert task.reason
    assert task.reason.message


async def test_a_question_is_answered(hand: Hand) -> None:
    task = await running(hand)
    with pytest.raises(IllegalTransition):
        await hand.control.answer(task.id, "nobody asked")
    await hand.asks(task, "May I?")
    task = await reached(hand.control, task, TaskState.WAITING)
    assert task.needs
    assert task.needs.question == "May I?"
    with pytest.raises(Conflict):
        await hand.control.answer(task.id, "yes", question="another")
    task = await hand.control.answer(task.id, "yes", question=task.needs.id)
    assert (task.state, task.needs) == (TaskState.RUNNING, None)


async def test_what_it_does_is_told_while_it_runs(hand: Hand) -> None:
    task = await running(hand)
    # It has said nothing; but it is a process, and one that still starts is seen to compute.
    assert (await hand.control.activity(task.id)).source is not Source.PROTOCOL
    await hand.asks(task, "May I?")
    task = await reached(hand.control, task, TaskState.WAITING)
    told = await hand.control.activity(short(task.id))
    assert (told.doing, told.source, told.rule) == (Doing.WAITING, Source.PROTOCOL, "announced")
    assert (told.evidence, told.needs and told.needs.question) == ("May I?", "May I?")
    assert (await hand.control.list()).activities[task.id] == told
    await hand.control.answer(task.id, "yes")
    assert (await hand.control.activity(task.id)).source is not Source.PROTOCOL
    await hand.ends(task)
    await reached(hand.control, task, *TERMINAL)
    with pytest.raises(IllegalTransition):
        await hand.control.activity(task.id)


async def test_what_is_interrupted_can_be_resumed(hand: Hand) -> None:
    task = await running(hand)
    task = await hand.control.interrupt(task.id, reason="lunch")
    assert task.state is TaskState.INTERRUPTED
    assert task.reason
    task = await hand.control.resume(task.id)
    assert task.attempt == 2
    with pytest.raises(IllegalTransition):
        await hand.control.resume(task.id)


async def test_who_interrupted_a_task_is_known_also_where_nothing_of_it_ran(hand: Hand) -> None:
    task = await running(hand)
    behind = await hand.control.submit(replace(task.spec, after=(task.id,)))
    for one in (behind, task):
        stopped = await hand.control.interrupt(one.id, by="goal")
        assert stopped.stop is not None
        assert (stopped.stop.kind, stopped.stop.by) == (StopKind.INTERRUPT, "goal")
    again = await hand.control.resume(task.id)
    assert again.stop is None


@pytest.mark.parametrize("force", [False, True])
async def test_what_is_cancelled_stays_cancelled(hand: Hand, force: bool) -> None:
    task = await running(hand)
    task = await hand.control.cancel(task.id, force=force)
    assert task.state is TaskState.CANCELLED
    for refused in (hand.control.cancel, hand.control.interrupt, hand.control.resume):
        with pytest.raises(IllegalTransition):
            await refused(task.id)


async def test_typing_needs_a_process(hand: Hand) -> None:
    task = await running(hand)
    assert await hand.control.send(task.id, b"\x00\xff\r") in Stage
    await hand.ends(task)
    await reached(hand.control, task, *TERMINAL)
    with pytest.raises(Conflict):
        await hand.control.send(task.id, b"x")


async def test_a_prompt_is_handed_over_once_for_each_key(hand: Hand) -> None:
    task = await running(hand)
    first = await hand.control.prompt(task.id, "say it", key="k-1")
    assert (first.key, first.arrived, first.lost) == ("k-1", True, False)
    assert await hand.control.prompt(task.id, "say it", key="k-1", wait=20) == first
    with pytest.raises(KeyReused):
        await hand.control.prompt(task.id, "say something else", key="k-1")
    assert (await hand.control.prompt(task.id, "say it")).key not in ("", "k-1")
    with pytest.raises(BadInput):
        await hand.control.prompt(task.id, " \n")
    await hand.ends(task)
    await reached(hand.control, task, *TERMINAL)
    again = await hand.control.prompt(task.id, "say it", key="k-1")
    assert replace(again, at=first.at) == first
    with pytest.raises(Conflict):
        await hand.control.prompt(task.id, "too late", key="k-2")


async def test_a_verdict_needs_a_result(hand: Hand) -> None:
    task = await running(hand)
    with pytest.raises(Conflict):
        await hand.control.decide(task.id, Verdict.ACCEPT)
    await hand.ends(task, 1)
    task = await reached(hand.control, task, *TERMINAL)
    with pytest.raises(NothingToDecide):
        await hand.control.decide(task.id, Verdict.SEND_BACK)
    again = await hand.control.decide(task.id, Verdict.SEND_BACK, ("too slow",), by="reviewer")
    assert again.id != task.id
    assert again.spec.findings == ("too slow",)
    assert (await hand.control.get(task.id)).verdict is Verdict.SEND_BACK


async def test_there_is_no_diff_without_a_worktree(hand: Hand) -> None:
    task = await ended(hand)
    with pytest.raises(NothingToDecide):
        await hand.control.diff(task.id)


# ── sessions ──────────────────────────────────────────────────────────────────


async def test_output_is_read_by_offset(hand: Hand) -> None:
    task = await hand.control.submit(hand.spec)
    with pytest.raises(SessionNotFound):
        await hand.control.read(session_id(task.id, 9))
    await hand.start(task)
    task = await reached(hand.control, task, TaskState.RUNNING)
    data = bytes(range(256)) * 8
    await hand.prints(task, data)
    assert task.session
    got = b""
    while len(got) < len(data):
        chunks = await hand.control.read(task.session, len(got), 300)
        fresh = b"".join(chunk.data for chunk in chunks if isinstance(chunk, Output))
        assert 0 < len(fresh) <= 300
        got += fresh
    assert got == data
    assert not any(isinstance(one, Ended) for one in await hand.control.read(task.id, len(data)))
    await hand.ends(task, 7)
    await reached(hand.control, task, *TERMINAL)
    last = (await hand.control.read(short(task.id), len(data)))[-1]
    assert last == Ended(len(data), Exit(7))


async def test_an_attachment_gives_the_recording_and_then_what_comes(hand: Hand) -> None:
    task = await running(hand)
    await hand.prints(task, b"before ")
    async with (
        hand.control.attach(task.id) as all_of_it,
        hand.control.attach(task.id, offset=3) as from_three,
    ):
        every, later = aiter(all_of_it), aiter(from_three)
        assert await gathered(every, 7) == b"before "
        await hand.prints(task, b"after")
        assert await gathered(every, 5) == b"after"
        assert await gathered(later, 9) == b"ore after"
        await hand.ends(task, 2)
        for chunks in (every, later):
            rest = [chunk async for chunk in chunks if not isinstance(chunk, Resized)]
            assert rest == [Ended(12, Exit(2))]


async def test_there_is_one_writer_at_a_time(hand: Hand) -> None:
    task = await running(hand)
    async with hand.control.attach(task.id, writer=True) as first:
        await first.write(b"one")
        await first.resize(100, 40)
        with pytest.raises(WriterTaken):
            async with hand.control.attach(task.id, writer=True):
                pass
        async with hand.control.attach(task.id, writer=True, steal=True) as second:
            await second.write(b"two")
            with pytest.raises(WriterTaken):
                await first.write(b"too late")
        async with hand.control.attach(task.id) as reader:
            with pytest.raises(WriterTaken):
                await reader.write(b"x")


async def test_a_terminal_answers_behind_what_it_is_told(hand: Hand) -> None:
    task = await running(hand)
    await hand.prints(task, b"first")
    async with hand.control.attach(task.id, writer=True) as mute:
        assert mute.answers_from is None
    async with hand.control.attach(task.id, answers=Answers.NEW) as reader:
        assert reader.answers_from is None
    attach = partial(hand.control.attach, task.id, writer=True, steal=True)
    async with attach(answers=Answers.NEW) as new:
        assert new.answers_from == 5
        await new.leave(5)
        with pytest.raises(WriterTaken):
            await new.write(b"too late")
        async with hand.control.attach(task.id, writer=True) as other:
            await other.write(b"now I")
            await new.leave(5)  # no more than before
            await other.write(b" do")


# ── service ───────────────────────────────────────────────────────────────────


async def test_health_tells_what_is_there(hand: Hand) -> None:
    await hand.control.submit(hand.spec)
    health = await hand.control.health()
    assert health.daemon.pid > 0
    assert sum(health.counts.values()) == 1


async def test_prune_removes_only_what_has_ended(hand: Hand) -> None:
    over = await ended(hand)
    open_ = await hand.control.submit(hand.spec)
    would = await hand.control.prune(PrunePolicy(older_than=0.0, dry_run=True))
    assert would.tasks == 1
    assert (await hand.control.get(over.id)).done
    assert (await hand.control.prune(PrunePolicy(older_than=0.0))).tasks == 1
    with pytest.raises(TaskNotFound):
        await hand.control.get(over.id)
    assert (await hand.control.get(open_.id)).id == open_.id


async def test_what_nobody_kept_is_not_brought_back(hand: Hand) -> None:
    assert await hand.control.workspaces() == ()
    assert await hand.control.sweep(SweepPolicy(undecided=True, folders=True)) == ()
    with pytest.raises(NotFound):
        await hand.control.restore_workspace(NOBODY)


async def test_every_refusal_has_a_sentence_and_a_hint(hand: Hand) -> None:
    with pytest.raises(InspanError) as caught:
        await hand.control.get("nothing-like-it")
    assert type(caught.value) is TaskNotFound
    assert len(caught.value.message) > 10
    assert len(caught.value.hint) > 10
