"""What every store does with code sessions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from inspan.engine.code.ports import Room
from inspan.engine.ports import Change
from inspan.errors import StoreFailed
from inspan.model.code import CodeSession, CodeSpec, Pulse
from inspan.model.promise import Promise
from inspan.model.session import CodeState
from inspan.model.task import Reason
from inspan.store.memory import MemoryStore
from inspan.store.sqlite import SqliteStore
from tests.golden.db.make import coded

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D1")]

AnyStore = SqliteStore | MemoryStore
(ONE, TWO), (OVER,) = (change.code for change in coded())


@pytest.fixture(params=["sqlite", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AnyStore]:
    opened: AnyStore = (
        await SqliteStore.open(tmp_path / "inspan.db")
        if request.param == "sqlite"
        else MemoryStore()
    )
    async with AsyncExitStack() as held:
        held.push_async_callback(opened.close)
        yield opened


def session(number: int, **changes: object) -> CodeSession:
    name = f"py-{number:026}"
    made = CodeSession(id=name, spec=CodeSpec(cwd="/"), state=CodeState.READY, created_at=1.0)
    return replace(made, **changes)  # type: ignore[arg-type]


async def test_an_empty_store_has_no_session(store: AnyStore) -> None:
    assert await store.code_sessions(ended=True) == ()
    assert await store.code_session("py-1") is None


async def test_a_session_is_read_back_as_it_was_written_last(store: AnyStore) -> None:
    for change in coded():
        await store.commit(change)
    assert await store.code_sessions(ended=True) == (ONE, OVER)
    assert await store.code_sessions(ended=False) == (ONE,)
    assert await store.code_session(OVER.id) == OVER
    assert await store.code_session("näme \udcff") == ONE
    assert await store.by_key("code-key") == (ONE.id, "d")


async def test_what_is_true_for_a_moment_is_not_stored(store: AnyStore) -> None:
    await store.commit(Change(code=(session(1, cells=7, pulse=Pulse(1.0, 2, 3.0, 4)),)))
    assert await store.code_session(session(1).id) == session(1)


async def test_a_name_means_the_newest_that_has_it(store: AnyStore) -> None:
    spec = CodeSpec(cwd="/", name="mine")
    old, new = session(1, spec=spec), session(2, spec=spec, created_at=2.0)
    await store.commit(Change(code=(old, new)))
    assert await store.code_session("mine") == new
    await store.commit(Change(code=(replace(old, run=2),)))
    assert await store.code_session("mine") == new


async def test_a_key_makes_one_session(store: AnyStore) -> None:
    one, two = session(1), session(2)
    await store.commit(Change(code=(one,), keys={"key": (one.id, "d")}))
    with pytest.raises(StoreFailed):
        await store.commit(Change(code=(two,), keys={"key": (two.id, "d")}))
    with pytest.raises(StoreFailed):
        await store.commit(Change(code=(two,), keys={"other": ("py-3", "d")}))
    assert await store.code_sessions(ended=True) == (one,)
    await store.commit(Change(code=(replace(one, run=2),)))
    assert await store.by_key("key") == (one.id, "d")


async def test_sessions_are_forgotten_once_they_are_over(store: AnyStore) -> None:
    why = Reason("session-ended", "It was closed.")
    over = session(1, state=CodeState.TERMINATED, ended_at=2.0, reason=why)
    live = session(2)
    await store.commit(Change(code=(over,), keys={"key": (over.id, "d")}))
    await store.commit(Change(code=(live,)))
    await store.forget_code([over.id, live.id, "py-3"])
    assert await store.code_sessions(ended=True) == (live,)
    assert await store.by_key("key") is None


async def test_what_code_asked_for_and_kept_is_forgotten_with_its_session(store: AnyStore) -> None:
    over = session(1, state=CodeState.TERMINATED, ended_at=2.0)
    live = session(2)
    room = Room(9, 99)
    names = [f"code/{one.id}/{number}" for one in (over, live) for number in (1, 2)]
    other = f"code/{over.id}0"
    promises = tuple(Promise(id=name, created_at=1.0) for name in (*names, other))
    await store.commit(Change(code=(over, live), promised=promises))
    for space in (over.id, live.id, "shared:it"):
        assert await store.put_value(space, "k", "1", room)
    await store.forget_code([over.id, live.id])
    left = [name for name in (*names, other) if await store.promise(name) is not None]
    assert left == [*names[2:], other]
    values = [await store.value(space, "k") for space in (over.id, live.id, "shared:it")]
    assert values == [None, "1", "1"]


async def test_a_value_is_the_last_that_was_written(store: AnyStore) -> None:
    room = Room(9, 99)
    assert await store.value("s", "k") is None
    for value in ("1", "[2]"):
        assert await store.put_value("s", "k", value, room)
        assert await store.value("s", "k") == value
    assert await store.put_value("other", "k", "3", room)
    assert await store.put_value("s", "k \udcff", "4", room)
    assert await store.value("s", "k \udcff") == "4"
    assert await store.put_value("s", "k", None, room)
    assert (await store.value("s", "k"), await store.value("other", "k")) == (None, "3")


async def test_a_space_holds_no_more_than_its_room(store: AnyStore) -> None:
    room = Room(2, 10)
    assert await store.put_value("s", "a", "1234", room)
    assert await store.put_value("s", "b", "1234", room)
    assert not await store.put_value("s", "b", "12345", room)
    assert not await store.put_value("s", "c", "1", room)
    assert [await store.value("s", key) for key in "abc"] == ["1234", "1234", None]
    assert await store.put_value("s", "a", None, room)
    assert await store.put_value("s", "b", "123456789", room)


async def test_sessions_of_many_commits_at_once_are_all_there(store: AnyStore) -> None:
    made = [session(number, created_at=float(number)) for number in range(1, 41)]
    async with anyio.create_task_group() as group:
        for one in made:
            group.start_soon(store.commit, Change(code=(one,), keys={one.id: (one.id, "d")}))
    assert await store.code_sessions(ended=False) == tuple(made)
