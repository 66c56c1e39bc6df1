"""What every store does, held against each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from inspan.control import EventQuery, PrunePolicy, TaskQuery
from inspan.engine.ports import Change, Store
from inspan.errors import BadInput, StoreFailed, TaskNotFound
from inspan.model import event as e
from inspan.model.task import Reason, TaskKind, TaskState
from inspan.store.memory import MemoryStore
from inspan.store.sqlite import SqliteStore
from tests.fakes.lives import SPEC, Author, merged, seqs

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A4", "A5", "C7")]


@pytest.fixture(params=["sqlite", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened: Store = (
        await SqliteStore.open(tmp_path / "inspan.db")
        if request.param == "sqlite"
        else MemoryStore()
    )
    async with AsyncExitStack() as held:
        held.push_async_callback(opened.close)
        yield opened


@pytest.fixture
def author() -> Author:
    return Author()


async def test_an_empty_store_has_nothing(store: Store) -> None:
    assert await store.last_seq() == 0
    assert await store.get("01k00000000000000000000000") is None
    assert await store.find("last") == ()
    assert await store.find("01k0") == ()
    assert await store.open_tasks() == ()
    assert await store.history(EventQuery()) == ()
    assert await store.by_key("key") is None
    page = await store.list(TaskQuery())
    assert (page.tasks, page.next, page.counts) == ((), None, {})


async def test_what_was_committed_is_read_back_equal(store: Store, author: Author) -> None:
    changes = [*author.no_op(), *author.no_op()]
    for change in changes:
        await store.commit(change)
    for task in author.tasks.values():
        assert await store.get(task.id) == task
    events = tuple(event for change in changes for event in change.events)
    assert await store.history(EventQuery()) == events
    assert await store.last_seq() == events[-1].seq


async def test_every_byte_of_a_command_comes_back(store: Store, author: Author) -> None:
    odd = "\udcff\udc80 \x00 \x1a ☃ \\ ' \" --"
    spec = replace(
        SPEC, command=(odd,), name=odd, role='\x1a"x"', labels={odd: odd}, env={"A": odd}
    )
    change = author.submit(spec, key=odd, correlation=odd)
    await store.commit(change)
    task = change.tasks[0]
    assert await store.get(task.id) == task
    assert await store.history(EventQuery(correlation=odd)) == change.events
    assert (await store.list(TaskQuery(name=odd, role='\x1a"x"'))).tasks == (task,)
    assert (await store.list(TaskQuery(name=odd.replace("\udcff", "\udcfe")))).tasks == ()
    assert await store.by_key(odd) == (task.id, "digest")


async def test_a_commit_is_all_or_nothing(store: Store, author: Author) -> None:
    first = author.submit()
    await store.commit(first)
    second = author.submit()
    bad = replace(second, events=(*second.events, first.events[0]))
    with pytest.raises(StoreFailed):
        await store.commit(bad)
    assert await store.get(second.tasks[0].id) is None
    assert await store.last_seq() == 1
    await store.commit(second)
    assert await store.last_seq() == 2


async def test_what_cannot_be_is_refused(store: Store, author: Author) -> None:
    first, second = author.submit(key="k"), author.submit()
    await store.commit(first)
    task, other = first.tasks[0], second.tasks[0]
    for bad in (
        first,  # the task is there
        replace(second, created=frozenset()),  # the task is not there
        replace(second, tasks=(), created=frozenset()),  # an event of nobody
        replace(second, events=()),  # a task that nobody submitted
        replace(second, keys={"k": (other.id, "d")}),  # the key is there
        replace(second, keys={"k2": (task.id, "d")}),  # the key of a task that is not new
        replace(second, keys={"k2": (other.id, "d"), "k3": (other.id, "d")}),
        replace(second, tasks=(other, other)),
        replace(second, events=(second.events[0], second.events[0])),
    ):
        with pytest.raises(StoreFailed):
            await store.commit(bad)
    assert (await store.list(TaskQuery())).tasks == (task,)
    assert await store.history(EventQuery()) == first.events


async def test_a_key_is_remembered_with_its_digest(store: Store, author: Author) -> None:
    change = author.submit(key="once", digest="abc")
    await store.commit(change)
    assert await store.by_key("once") == (change.tasks[0].id, "abc")
    assert await store.by_key("twice") is None


async def test_an_id_is_found_by_either_end(store: Store, author: Author) -> None:
    for _ in range(30):
        await store.commit(author.submit())
    ids = sorted(author.tasks, reverse=True)
    for task in ids:
        assert await store.find(task) == (task,)
        assert await store.find(task[-6:]) == (task,)
        assert task in await store.find(task[:20].upper())
    assert await store.find(ids[0][:4]) == tuple(ids[:10])
    assert await store.find("last") == (list(author.tasks)[-1],)
    assert await store.find("LAST") == await store.find("last")
    assert await store.find("0000000000000000000000") == ()
    assert await store.find("%") == ()


async def test_the_last_task_is_a_goal_and_none_of_those_made_for_it(
    store: Store, author: Author
) -> None:
    goal = author.submit(replace(SPEC, kind=TaskKind.GOAL))
    whole = goal.tasks[0].id
    for change in (goal, author.submit(correlation=whole), author.submit(correlation=whole)):
        await store.commit(change)
    assert await store.find("last") == (whole,)
    again = author.submit(replace(SPEC, kind=TaskKind.GOAL), correlation=whole)
    await store.commit(again)
    assert await store.find("last") == (again.tasks[0].id,)
    alone = author.submit()
    other = author.submit(correlation=alone.tasks[0].id)
    for change in (alone, other):
        await store.commit(change)
    assert await store.find("last") == (other.tasks[0].id,)


async def test_tasks_are_listed_newest_first_by_pages(store: Store, author: Author) -> None:
    for _ in range(25):
        await store.commit(author.submit())
    seen: list[str] = []
    before = None
    sizes = []
    while True:
        page = await store.list(TaskQuery(limit=10, before=before))
        seen += [task.id for task in page.tasks]
        sizes.append(len(page.tasks))
        assert page.counts == {"pending": 25}
        if page.next is None:
            break
        before = page.next
    assert sizes == [10, 10, 5]
    assert seen == list(author.tasks)[::-1]


async def test_tasks_of_one_moment_keep_the_order_of_submission(
    store: Store, author: Author
) -> None:
    changes = [author.submit() for _ in range(10)]
    at = changes[0].events[0].at
    changes = [
        replace(change, tasks=(replace(change.tasks[0], created_at=at),)) for change in changes
    ]
    await store.commit(merged(*changes))
    order = [change.tasks[0].id for change in changes]
    assert [task.id for task in await store.open_tasks()] == order
    first = await store.list(TaskQuery(limit=4))
    assert [task.id for task in first.tasks] == order[:5:-1]
    second = await store.list(TaskQuery(limit=4, before=first.next))
    assert [task.id for task in second.tasks] == order[5:1:-1]


async def test_lists_are_narrowed_by_state_role_and_name(store: Store, author: Author) -> None:
    for number in range(12):
        spec = replace(SPEC, role=("worker", "planner")[number % 2], name=f"n{number % 3}")
        await store.commit(author.submit(spec))
    tasks = list(author.tasks.values())[::-1]
    for task in tasks[:4]:
        await store.commit(author.tell(task.id, e.Readied()))
    tasks = list(author.tasks.values())[::-1]
    counts = {"pending": 8, "queued": 4}
    for query in (
        TaskQuery(states=(TaskState.QUEUED,)),
        TaskQuery(states=(TaskState.QUEUED, TaskState.PENDING), role="planner"),
        TaskQuery(states=(TaskState.RUNNING,)),
        TaskQuery(role="planner"),
        TaskQuery(name="n2"),
        TaskQuery(name="n2", role="worker", states=(TaskState.PENDING,)),
        TaskQuery(role="nobody"),
        TaskQuery(correlation=tasks[3].correlation),
        TaskQuery(correlation=tasks[3].correlation, states=(TaskState.RUNNING,)),
        TaskQuery(correlation="nobody"),
    ):
        page = await store.list(query)
        assert page.tasks == tuple(
            task
            for task in tasks
            if (not query.states or task.state in query.states)
            and query.role in (None, task.spec.role)
            and query.name in (None, task.spec.name)
            and query.correlation in (None, task.correlation)
        )
        assert (page.next, page.counts) == (None, counts)


async def test_a_narrowed_list_has_pages_too(store: Store, author: Author) -> None:
    for number in range(20):
        await store.commit(author.submit(replace(SPEC, role=("worker", "planner")[number % 2])))
    wanted = [task.id for task in author.tasks.values() if task.spec.role == "planner"][::-1]
    query = TaskQuery(role="planner", states=(TaskState.PENDING,), limit=4)
    seen: list[str] = []
    while True:
        page = await store.list(query)
        seen += [task.id for task in page.tasks]
        if page.next is None:
            break
        query = replace(query, before=page.next)
    assert seen == wanted


async def test_a_page_that_cannot_be_is_refused(store: Store, author: Author) -> None:
    await store.commit(author.submit())
    with pytest.raises(BadInput):
        await store.list(TaskQuery(limit=0))
    with pytest.raises(BadInput):
        await store.history(EventQuery(limit=-1))
    with pytest.raises(TaskNotFound):
        await store.list(TaskQuery(before="01k00000000000000000000000"))


async def test_history_is_read_by_pages_task_and_correlation(store: Store, author: Author) -> None:
    for _ in range(4):
        for change in author.no_op():
            await store.commit(change)
    await store.commit(author.submit(correlation="together"))
    await store.commit(author.submit(correlation="together"))
    everything = await store.history(EventQuery())
    assert [event.seq for event in everything] == list(range(1, 23))
    seen: list[e.Event] = []
    while page := await store.history(EventQuery(since=seen[-1].seq if seen else 0, limit=5)):
        seen += page
    assert tuple(seen) == everything
    task = list(author.tasks)[1]
    mine = tuple(event for event in everything if event.task == task)
    assert await store.history(EventQuery(task=task)) == mine
    assert await store.history(EventQuery(task=task, since=mine[1].seq, limit=2)) == mine[2:4]
    assert await store.history(EventQuery(task=task, correlation="other")) == ()
    together = await store.history(EventQuery(correlation="together"))
    assert [event.seq for event in together] == [21, 22]
    assert await store.history(EventQuery(correlation="together", since=21)) == together[1:]


async def test_the_newest_of_a_kind_are_found_as_far_back_as_is_asked(
    store: Store, author: Author
) -> None:
    assert await store.newest("task.submitted", 0.0) == ()
    for _ in range(3):
        for change in author.no_op():
            await store.commit(change)
    submitted = [one for one in await store.history(EventQuery()) if one.kind == "task.submitted"]
    assert await store.newest("task.submitted", 0.0) == tuple(submitted)
    assert await store.newest("task.submitted", submitted[0].at) == tuple(submitted[1:])
    assert await store.newest("provider.overloaded", 0.0) == ()
    assert await store.newest("task.submitted", author.at) == ()


async def test_open_tasks_are_those_that_are_not_over(store: Store, author: Author) -> None:
    await store.commit(author.ended())
    for _ in range(3):
        await store.commit(author.submit())
    interrupted = list(author.tasks)[1]
    await store.commit(author.tell(interrupted, e.Interrupted(Reason("crash", "it crashed"))))
    assert await store.open_tasks() == tuple(author.tasks.values())[1:]


async def test_prune_takes_old_ended_tasks_and_nothing_else(store: Store, author: Author) -> None:
    for _ in range(3):
        await store.commit(author.ended())
    old = tuple(author.tasks.values())
    await store.commit(author.submit(replace(SPEC, after=(old[1].id,))))
    cut = author.at
    author.at += 100
    await store.commit(author.ended())
    everyone = tuple(author.tasks.values())
    now = author.at + 1000
    gone = (old[0], old[2])

    assert await store.prune(PrunePolicy(), now) == ()
    policy = PrunePolicy(older_than=now - cut, dry_run=True)
    assert await store.prune(policy, now) == gone
    assert len((await store.list(TaskQuery())).tasks) == 5

    assert await store.prune(replace(policy, dry_run=False), now) == gone
    left = (await store.list(TaskQuery())).tasks
    assert left == tuple(task for task in everyone if task not in gone)[::-1]
    for task in gone:
        assert await store.history(EventQuery(task=task.id)) == ()
        assert await store.get(task.id) is None
    assert await store.last_seq() == author.seq
    assert await store.prune(replace(policy, dry_run=False), now) == ()


async def test_prune_forgets_keys_and_takes_more_than_one_helping(
    store: Store, author: Author
) -> None:
    keyed = author.submit(key="k")
    await store.commit(keyed)
    task = keyed.tasks[0].id
    await store.commit(author.tell(task, e.Cancelled(Reason("person", "no"))))
    await store.commit(merged(*(author.ended() for _ in range(450))))
    assert len(await store.prune(PrunePolicy(older_than=0, dry_run=True), author.at + 1)) == 451
    assert len(await store.prune(PrunePolicy(older_than=0), author.at + 1)) == 451
    assert await store.by_key("k") is None
    assert (await store.list(TaskQuery())).counts == {}


async def test_a_number_is_not_given_again_when_the_newest_is_pruned(
    store: Store, author: Author
) -> None:
    await store.commit(author.ended())
    assert len(await store.prune(PrunePolicy(older_than=0), author.at + 1)) == 1
    assert await store.history(EventQuery()) == ()
    assert await store.last_seq() == author.seq
    await store.commit(author.ended())
    assert len(await store.prune(PrunePolicy(older_than=0), author.at + 1)) == 1
    assert await store.last_seq() == author.seq


async def test_events_are_told_in_order_before_the_commit_returns(
    store: Store, author: Author
) -> None:
    told: list[int] = []
    late: list[int] = []
    store.on_commit = lambda changes: told.extend(seqs(changes))

    async def commit(change: Change) -> None:
        await store.commit(change)
        late.extend(event.seq for event in change.events if event.seq not in told)

    changes = [author.submit() for _ in range(200)]
    async with anyio.create_task_group() as group:
        for change in changes:
            group.start_soon(commit, change)
    assert told == list(range(1, 201))
    assert late == []


async def test_a_change_of_many_tasks_is_there_whole(store: Store, author: Author) -> None:
    changes = [author.submit() for _ in range(64 + 16 + 4 + 3)]
    one = Change(
        events=tuple(change.events[0] for change in changes),
        tasks=tuple(author.tasks.values()),
        created=frozenset(author.tasks),
    )
    await store.commit(one)
    assert await store.open_tasks() == one.tasks
    assert await store.history(EventQuery()) == one.events


async def test_a_bad_change_fails_alone_among_many(store: Store, author: Author) -> None:
    told: list[int] = []
    store.on_commit = lambda changes: told.extend(seqs(changes))
    changes = [author.submit() for _ in range(50)]
    bad = replace(changes[10], tasks=(), created=frozenset())
    changes[10:11] = [bad]
    outcomes = await asyncio.gather(*map(store.commit, changes), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [StoreFailed]
    assert isinstance(outcomes[10], StoreFailed)
    assert told == [number for number in range(1, 51) if number != 11]
    assert len((await store.list(TaskQuery())).tasks) == 49


async def test_changes_of_one_task_that_meet_in_a_batch_end_in_the_last(
    store: Store, author: Author
) -> None:
    changes = [change for _ in range(20) for change in author.no_op()]
    await asyncio.gather(*map(store.commit, changes))
    for task in author.tasks.values():
        assert await store.get(task.id) == task
    assert len(await store.history(EventQuery())) == 100


async def test_a_task_created_twice_in_a_batch_is_created_once(
    store: Store, author: Author
) -> None:
    first = author.submit()
    again = replace(first, events=(replace(first.events[0], seq=2),))
    outcomes = await asyncio.gather(
        store.commit(first), store.commit(again), return_exceptions=True
    )
    assert outcomes[0] is None
    assert isinstance(outcomes[1], StoreFailed)
    assert await store.history(EventQuery()) == first.events


async def test_a_commit_whose_caller_is_cancelled_harms_nobody(
    store: Store, author: Author
) -> None:
    first, second = author.submit(), author.submit()
    with anyio.move_on_after(0):
        await store.commit(first)
    await store.commit(second)
    assert await store.get(second.tasks[0].id) == second.tasks[0]


async def test_a_closed_store_says_so(store: Store, author: Author) -> None:
    await store.close()
    await store.close()
    with pytest.raises(StoreFailed, match="closed"):
        await store.commit(author.submit())
    with pytest.raises(StoreFailed, match="closed"):
        await store.last_seq()


def test_the_port_is_met() -> None:
    stores: list[type[Store]] = [SqliteStore, MemoryStore]
    assert len(stores) == 2
