"""What is accepted and what is refused, keys, and the words that mean a task."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from inspan.errors import (
    AmbiguousId,
    BadInput,
    CyclicPlan,
    DeadlineTooLong,
    KeyReused,
    NotConfined,
    ProviderNotFound,
    TaskNotFound,
)
from inspan.model.sandbox import TaskSandbox
from inspan.model.task import Patience, WorkspaceKind
from tests.unit.engine.stage import SPEC, Stage

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A1", "A4")]


async def test_a_circle_is_refused_and_named_and_nothing_is_stored() -> None:
    stage = Stage()
    async with stage.running():
        loop = [
            replace(SPEC, name="egg", after=("@1",)),
            replace(SPEC, name="hen", after=("@0",)),
        ]
        with pytest.raises(CyclicPlan, match="0:egg → 1:hen → 0:egg"):
            await stage.engine.submit_all(loop)
        assert (await stage.engine.list()).tasks == ()


async def test_one_key_makes_one_task() -> None:
    stage = Stage()
    async with stage.running() as engine:
        made: list[str] = []

        async def once() -> None:
            made.append((await engine.submit(SPEC, key="k")).id)

        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(once)
        assert len(set(made)) == 1
        with pytest.raises(KeyReused):
            await engine.submit(replace(SPEC, name="other"), key="k")


async def test_an_empty_key_is_none() -> None:
    stage = Stage()
    async with stage.running() as engine:
        with pytest.raises(BadInput, match="an empty key"):
            await engine.submit(SPEC, key="")
        assert (await engine.list()).tasks == ()


async def test_a_plan_with_a_key_is_one_plan() -> None:
    stage = Stage()
    async with stage.running() as engine:
        specs = [SPEC, replace(SPEC, after=("@0",))]
        first = await engine.submit_all(specs, key="plan")
        second = await engine.submit_all(specs, key="plan")
        assert [task.id for task in first] == [task.id for task in second]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"provider": "no-such"}, ProviderNotFound),
        ({"retries": -1}, BadInput),
        ({"role": " "}, BadInput),
        ({"review": True}, BadInput),
        ({"checks": ("true", " ")}, BadInput),
        ({"setup": (" ",), "workspace": WorkspaceKind.WORKTREE}, BadInput),
        ({"sandbox": TaskSandbox()}, NotConfined),
        ({"patience": Patience(deadline=9999)}, DeadlineTooLong),
        ({"patience": Patience(deadline=None)}, DeadlineTooLong),
        ({"patience": Patience(deadline=-1)}, BadInput),
        ({"after": ("@7",)}, BadInput),
        ({"after": ("zzzzzz",)}, TaskNotFound),
    ],
)
async def test_bad_specs_are_refused_whole(
    changes: dict[str, object], error: type[Exception]
) -> None:
    stage = Stage()
    async with stage.running() as engine:
        with pytest.raises(error):
            await engine.submit_all([SPEC, replace(SPEC, **changes)])  # type: ignore[arg-type]
        assert (await engine.list()).tasks == ()
        with pytest.raises(BadInput, match="1 to"):
            await engine.submit_all([])


async def test_ids_are_found_by_their_end_or_name_and_last_is_the_newest() -> None:
    stage = Stage()
    async with stage.running() as engine:
        with pytest.raises(TaskNotFound, match="no task yet"):
            await engine.get("last")
        await stage.submit(name="tests")
        task = await stage.submit(name="tests")
        newer = await stage.submit()
        assert (await engine.get("tests")).id == task.id
        assert (await engine.get("last")).id == newer.id
        assert (await engine.get(task.id[-6:])).id == task.id
        with pytest.raises(AmbiguousId):
            await engine.get(task.id[:8])
        with pytest.raises(TaskNotFound, match="4 characters"):
            await engine.get("1")
        with pytest.raises(TaskNotFound, match="no task has an id or"):
            await engine.get("nothing")
