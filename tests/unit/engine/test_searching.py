"""A search goes through recordings page by page, a bounded part of them each time."""

import pytest

from inspan.control import SearchQuery
from tests.fakes.ports import FakeRecordings
from tests.unit.engine.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C6")]


async def test_one_call_reads_so_much_and_the_next_goes_on_there() -> None:
    stage = Stage()
    async with stage.running() as engine:
        tasks = [await stage.submit() for _ in range(40)]
        names = sorted(f"{task.id}-1" for task in tasks)
        stage.recordings.output = dict.fromkeys(names, b"x\nneedle\n")
        calls, found, after = 0, [], None
        while calls == 0 or after is not None:
            before = len(stage.recordings.searched)
            page = await engine.search(SearchQuery(text="needle", after=after, limit=1000))
            assert len(stage.recordings.searched) - before <= 16
            found += [hit.session for hit in page.hits]
            calls, after = calls + 1, page.next
        assert found == names[::-1]
        assert calls == 5  # each is looked at twice: to its hit, and to its end


async def test_a_recording_that_goes_meanwhile_is_passed_over() -> None:
    stage = Stage()
    async with stage.running() as engine:
        first, second = await stage.submit(), await stage.submit()
        stage.recordings.output = {f"{first.id}-1": b"needle\n", f"{second.id}-1": b"needle\n"}
        page = await engine.search(SearchQuery(text="needle", limit=1))
        assert page.hits[0].session == f"{second.id}-1"
        del stage.recordings.output[f"{second.id}-1"]
        page = await engine.search(SearchQuery(text="needle", after=page.next))
        assert [hit.session for hit in page.hits] == [f"{first.id}-1"]
        assert page.next is None


class Going(FakeRecordings):
    """The newest of them is removed between being listed and being looked through."""

    async def usage(self) -> tuple[tuple[str, int], ...]:
        listed = await super().usage()
        self.output.pop(max(self.output))
        return listed


async def test_one_that_goes_while_they_are_looked_through_is_passed_over() -> None:
    stage = Stage()
    stage.recordings = Going()
    async with stage.running() as engine:
        first, second = await stage.submit(), await stage.submit()
        stage.recordings.output = {f"{first.id}-1": b"needle\n", f"{second.id}-1": b"needle\n"}
        page = await engine.search(SearchQuery(text="needle"))
        assert [hit.session for hit in page.hits] == [f"{first.id}-1"]
