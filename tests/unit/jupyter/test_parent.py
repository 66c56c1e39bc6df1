"""Who started a kernel: how that is told, and that its end is noticed."""

import sys

import anyio
import pytest

from inspan.jupyter.parent import VARIABLE, gone, named

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D12")]


@pytest.mark.parametrize("value", ["", "1", "0", "-5", "x", "\u0663", "1.5"])
def test_what_is_no_process_is_nobody(value: str) -> None:
    assert named({VARIABLE: value}) is None
    assert named({}) is None
    assert named({VARIABLE: "42"}) == 42


async def test_one_that_has_ended_before_anybody_looked_is_gone() -> None:
    child = await anyio.open_process([sys.executable, "-c", ""])
    with anyio.fail_after(30):
        await child.wait()
        await gone(child.pid)


async def test_the_end_of_one_that_lives_is_waited_for() -> None:
    seen = anyio.Event()
    child = await anyio.open_process([sys.executable, "-c", "input()"])

    async def wait() -> None:
        await gone(child.pid)
        seen.set()

    with anyio.fail_after(30):
        async with child, anyio.create_task_group() as group:
            group.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            assert not seen.is_set()
            child.kill()
    assert seen.is_set()
