import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.errors import InspanError, KernelProtocol, SessionEnded
from inspan.kernel import protocol as p
from inspan.kernel.frames import LENGTHS, Message, encode
from inspan.kernel.host.cell import ROOM, Cell, Output
from inspan.kernel.host.inflow import HELD
from inspan.kernel.host.session import KernelSession, Watching
from inspan.model.session import CodeState
from tests.fakes.kernel import ScriptedWorker
from tests.unit.keeper.desk import wait_for
from tests.unit.kernel.host.desk import items, joined

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D2", "D9")]


def echo(worker: ScriptedWorker, message: Message) -> None:
    """Runs each cell to its end at once."""
    if message["type"] == "execute":
        cell = message["execution_id"]
        worker.begin(cell, len(worker.messages))
        worker.say("output", message["code"].encode(), execution_id=cell, stream="stdout")
        worker.result(cell, value=1)


async def test_a_cell_brings_its_messages_in_order_and_then_one_end(worker: ScriptedWorker) -> None:
    worker.heard = echo
    states: list[CodeState] = []
    async with joined(worker, watching=Watching(state=states.append)) as session:
        first, second = await session.execute("one"), await session.execute("two")
        started, output, end = await items(first)
        assert isinstance(started, p.Started)
        assert output == Output("stdout", b"one")
        assert isinstance(end, p.Result)
        assert (await second.outcome()).execution_id == second.execution_id
        assert (first.number, second.number) == (1, 2)
    assert states == ["starting", "ready", "busy", "ready", "terminated"]
    assert worker.process.closed
    assert worker.process.forgotten


async def test_what_is_read_is_acknowledged_and_an_end_once_the_next_cell_is_asked_for(
    worker: ScriptedWorker,
) -> None:
    worker.heard = echo
    async with joined(worker) as session:
        await items(await session.execute("one"))
        assert worker.acked == 0
        await items(await session.execute("two"))
        assert worker.acked == 3


async def test_a_message_that_comes_twice_counts_once(worker: ScriptedWorker) -> None:
    async with joined(worker) as session:
        cell = await session.execute("x")
        worker.seq = 1
        twice = worker.frame("output", b"a", execution_id=cell.execution_id, stream="stdout")
        worker.seq = 0
        worker.begin(cell.execution_id, 1)
        worker.links[-1].write(twice + twice)
        worker.seq = 2
        worker.result(cell.execution_id)
        assert [type(item) for item in await items(cell)] == [p.Started, Output, p.Result]


async def test_a_message_that_is_missing_ends_the_worker(worker: ScriptedWorker) -> None:
    async with joined(worker) as session:
        cell = await session.execute("x")
        worker.seq = 5
        worker.begin(cell.execution_id, 1)
        with pytest.raises(KernelProtocol, match="from message 0 to 6"):
            await cell.outcome()
        await session.over()
        assert worker.process.signals == ["kill"]


@pytest.mark.parametrize(
    "junk",
    [
        LENGTHS.pack(1 << 31, 0),
        LENGTHS.pack(2, 0) + b"no",
        LENGTHS.pack(2, 0) + b"[]",
        encode({"type": "unheard-of", "seq": 1}),
        encode({"type": "started", "seq": 1}),
        encode({"type": "started", "seq": 0, "execution_id": "x", "mode": "auto"}),
        encode({"type": "started", "seq": 1, "execution_id": "of nobody", "mode": "auto"}),
        encode({"type": "ready", "version": 1, "session": "s", "pid": 1, "python": "", "seq": 0}),
    ],
    ids=range(8),
)
async def test_what_is_no_message_ends_the_worker_with_a_report(
    worker: ScriptedWorker, junk: bytes
) -> None:
    async with joined(worker) as session:
        cell = await session.execute("x")
        worker.links[-1].write(junk)
        with pytest.raises(KernelProtocol):
            await items(cell)
        assert session.state is CodeState.TERMINATED
        await session.over()
        assert worker.process.signals == ["kill"]
        with pytest.raises(KernelProtocol):
            await session.execute("more")


async def test_output_of_no_open_cell_is_told_apart(worker: ScriptedWorker) -> None:
    worker.heard = echo
    async with joined(worker) as session:
        await items(await session.execute("x"))
        worker.say("output", b"later", execution_id="gone", stream="stderr")
        loose = session.loose()
        assert await anext(loose) == Output("stderr", b"later")
        await loose.aclose()


async def test_a_full_cell_waits_for_its_reader_and_loses_nothing(worker: ScriptedWorker) -> None:
    piece = bytes(1 << 20)
    async with joined(worker) as session:
        cell = await session.execute("x")
        worker.begin(cell.execution_id, 1)
        for _ in range(40):
            worker.say("output", piece, execution_id=cell.execution_id, stream="stdout")
        worker.result(cell.execution_id)
        most = got = 0
        async for item in cell:
            most = max(most, cell.inbox.size)
            got += len(item.data) if isinstance(item, Output) else 0
        assert got == 40 << 20
        assert most < ROOM + (2 << 20)


async def test_output_that_nobody_reads_gives_way_and_the_rest_says_how_much(
    worker: ScriptedWorker,
) -> None:
    piece = bytes(1 << 20)
    async with joined(worker) as session:
        cell = await session.execute("x")
        worker.begin(cell.execution_id, 1)
        for _ in range(40):
            worker.say("output", piece, execution_id=cell.execution_id, stream="stdout")
        worker.result(cell.execution_id)
        await cell.outcome()
        left = [item for item in await items(cell) if isinstance(item, Output)]
        assert sum(len(item.data) + item.dropped for item in left) == 40 << 20
        assert left[0].dropped > 30 << 20
        assert sum(len(item.data) for item in left) <= ROOM


async def test_questions_that_nobody_answers_are_bounded(worker: ScriptedWorker) -> None:
    async with joined(worker) as session:
        cell = await session.execute("x")
        worker.begin(cell.execution_id, 1)
        ask: dict[str, Any] = {"capability": "c", "payload": "x" * (1 << 20), "timeout": 1.0}
        outcome = asyncio.ensure_future(cell.outcome())
        for number in range(20):
            worker.say("ask", execution_id=cell.execution_id, promise=str(number), **ask)
        with pytest.raises(KernelProtocol, match="asked for more"):
            await outcome


async def full(worker: ScriptedWorker, session: KernelSession, *sizes: int) -> Cell:
    """A cell with a reader that takes nothing, and questions with that many numbers each."""
    cell = await session.execute("x")
    worker.begin(cell.execution_id, 1)
    for number, size in enumerate(sizes):
        ask: dict[str, Any] = {"capability": "c", "payload": [0] * size, "timeout": 1.0}
        worker.say("ask", execution_id=cell.execution_id, promise=str(number), **ask)
    return cell


async def test_a_question_behind_a_full_cell_that_nobody_reads_any_more_is_bounded(
    worker: ScriptedWorker,
) -> None:
    async with joined(worker) as session:
        cell = await full(worker, session, 4_000_000, 4_000_000)
        await wait_for(lambda: bool(session._inflow._waiting))
        with pytest.raises(KernelProtocol, match="asked for more"):
            await cell.outcome()
        await session.over()
        assert worker.process.signals == ["kill"]


async def test_bytes_of_a_descriptor_behind_more_than_can_be_held_end_the_worker(
    worker: ScriptedWorker,
) -> None:
    async with joined(worker) as session:
        cell = await full(worker, session, 2_600_000, 4_000_000)
        await wait_for(lambda: len(cell.inbox) == 3)
        outcome = asyncio.ensure_future(cell.outcome())
        worker.write("out.raw", b"text")
        with pytest.raises(KernelProtocol, match="asked for more"):
            await outcome
        await session.over()
        assert worker.process.signals == ["kill"]


async def test_what_a_descriptor_got_comes_before_the_end_and_up_to_where_it_says(
    worker: ScriptedWorker,
) -> None:
    async with joined(worker) as session:
        cell = await session.execute("x")
        worker.begin(cell.execution_id, 1)
        worker.write("out.raw", b"o" * 300_000)
        worker.write("err.raw", b"e")
        worker.result(cell.execution_id, fd={"out": 300_000, "err": 1})
        got: dict[str, bytes] = {"stdout": b"", "stderr": b""}
        async for item in cell:
            if isinstance(item, Output):
                got[item.stream] += item.data
        assert got == {"stdout": b"o" * 300_000, "stderr": b"e"}


async def test_what_a_descriptor_gets_is_passed_on_while_the_cell_runs(
    worker: ScriptedWorker,
) -> None:
    async with joined(worker) as session:
        cell = await session.execute("x")
        worker.begin(cell.execution_id, 1)
        reader = aiter(cell)
        await anext(reader)
        worker.write("out.raw", b"soon")
        assert await anext(reader) == Output("stdout", b"soon")
        # A worker that lies about the file's end changes nothing but its own cells.
        worker.result(cell.execution_id, fd={"out": 1 << 60, "err": -5})
        assert isinstance(await anext(reader), p.Result)


@pytest.mark.parametrize("more", ["nothing", "display"])
async def test_what_the_next_cell_writes_before_the_end_of_one_has_come_is_its_own(
    worker: ScriptedWorker, more: str
) -> None:
    async with joined(worker) as session:
        one, two = await session.execute("x"), await session.execute("y")
        worker.begin(one.execution_id, 1)
        worker.write("out.raw", b"one")
        reader = aiter(one)
        assert [type(await anext(reader)), await anext(reader)] == [
            p.Started,
            Output("stdout", b"one"),
        ]
        worker.begin_silently(2)
        worker.write("out.raw", b"two")
        if more == "display":
            worker.say("display", execution_id=one.execution_id, data={})
            assert isinstance(await anext(reader), p.Display)
        else:
            # Long enough for bytes to count as those of the cell that runs here.
            late = asyncio.get_running_loop().time() + 3 * HELD
            await wait_for(lambda: asyncio.get_running_loop().time() > late)
        worker.result(one.execution_id, fd={"out": 3, "err": 0})
        assert isinstance(await anext(reader), p.Result)
        worker.begin(two.execution_id, 2)
        worker.result(two.execution_id, fd={"out": 6, "err": 0})
        assert (await items(two))[1] == Output("stdout", b"two")


async def test_more_than_the_cap_is_dropped_and_said_and_the_cell_is_interrupted(
    worker: ScriptedWorker,
) -> None:
    async with joined(worker, cap=1 << 20) as session:
        cell = await session.execute("x")

        def obey(_: str) -> None:
            worker.result(cell.execution_id, fd={"out": 3 << 20, "err": 0})

        worker.process.on_signal = obey
        worker.begin(cell.execution_id, 1)
        worker.write("out.raw", bytes(3 << 20))
        got = [item for item in await items(cell) if isinstance(item, Output)]
        assert sum(len(item.data) for item in got) == 1 << 20
        assert sum(item.dropped for item in got) == 2 << 20


async def test_a_later_host_gets_the_running_cell_its_number_and_its_end(
    worker: ScriptedWorker,
) -> None:
    async with joined(worker) as session:
        cell = await session.execute("x", execution_id="long")
        worker.begin("long", 7)
        worker.write("out.raw", b"before")
        seen = aiter(cell)
        assert [type(await anext(seen)), await anext(seen)] == [
            p.Started,
            Output("stdout", b"before"),
        ]
        worker.say("output", b"unread", execution_id="long", stream="stdout")
        await session.abandon()
        with pytest.raises(SessionEnded):
            await session.execute("y")
    worker.process = type(worker.process)()
    worker.ready = {"execution_id": "long", "number": 7}
    worker.first = encode(
        {"type": "output", "execution_id": "long", "stream": "stdout", "seq": 2}, b"unread"
    )
    async with joined(worker, adopts=True) as session:
        assert session.state is CodeState.BUSY
        adopted = await anext(session.adopted())
        assert (adopted.execution_id, adopted.number) == ("long", 7)
        worker.result("long")
        first, *_, last = await items(adopted)
        assert isinstance(last, p.Result)
        assert isinstance(first, Output)


def messages() -> st.SearchStrategy[tuple[dict[str, Any], bytes]]:
    """Some that are right, some nearly."""
    known = [
        "started",
        "output",
        "display",
        "clear",
        "input",
        "result",
        "error",
        "heartbeat",
        "ask",
    ]
    kinds = st.sampled_from([*known, "ready", "completion", "broken", "nonsense"])
    fields: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
        {"type": kinds, "execution_id": st.sampled_from(["a", "b", "c", None])},
        optional={
            "seq": st.integers(-1, 12),
            "mode": st.sampled_from(["auto", "wild"]),
            "number": st.integers(0, 3),
            "stream": st.sampled_from(["stdout", "stderr", "other"]),
            "data": st.just({"text/plain": "x"}),
            "request": st.just("r"),
            "prompt": st.just(""),
            "count": st.just(1),
            "repr": st.just("1"),
            "execution_time": st.floats(0, 1),
            "name": st.just("E"),
            "message": st.just(""),
            "traceback": st.just([]),
            "reason": st.just("tired"),
            "fd": st.fixed_dictionaries({"out": st.integers(-5, 1 << 70), "err": st.just(0)}),
        },
    )
    return st.tuples(fields, st.binary(max_size=20))


def well_formed() -> st.SearchStrategy[list[tuple[dict[str, Any], bytes]]]:
    """A cell's life, of which any part may be missing or come twice."""
    life: list[dict[str, Any]] = [
        {"type": "started", "mode": "auto"},
        {"type": "output", "stream": "stdout"},
        {"type": "result", "count": 1, "repr": "1", "execution_time": 0.1},
    ]
    several = st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(life)), max_size=8)
    return several.map(
        lambda steps: [
            ({**message, "execution_id": cell, "seq": number}, b"x")
            for number, (cell, message) in enumerate(steps, 1)
        ]
    )


@given(
    said=st.one_of(well_formed(), st.lists(messages(), max_size=8)),
    lies=st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=12)), max_size=2),
    cut=st.integers(0, 2000),
    pieces=st.integers(1, 50),
)
async def test_whatever_is_sent_no_cell_hangs_and_each_has_one_end(
    said: list[tuple[dict[str, Any], bytes]],
    lies: list[tuple[int, bytes]],
    cut: int,
    pieces: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    raw = bytearray(b"".join(encode(message, body) for message, body in said))
    for place, junk in lies:
        raw[place:place] = junk
    del raw[cut:]
    troubles: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, trouble: troubles.append(trouble))
    async with ScriptedWorker(tmp_path_factory.mktemp("w")) as worker, joined(worker) as session:
        cells = [await session.execute("x", execution_id=name) for name in ("a", "b")]
        link = worker.links[-1]
        for start in range(0, len(raw), max(1, len(raw) // pieces)):
            link.write(bytes(raw[start : start + max(1, len(raw) // pieces)]))
            await asyncio.sleep(0)
        worker.process.end(signal=11)
        link.close()
        for cell in cells:
            ends = 0
            try:
                ends = sum(isinstance(item, p.Result | p.Error) for item in await items(cell))
            except InspanError as error:
                assert error is session.reason  # noqa: PT017 - either is an end
                assert cell.end is None
            else:
                assert ends == 1
        assert isinstance(await session.over(), InspanError)
        assert session.state is CodeState.TERMINATED
    assert not troubles


async def test_an_answer_to_another_question_is_none(worker: ScriptedWorker) -> None:
    def answer(worker: ScriptedWorker, message: Message) -> None:
        if message["type"] == "complete":
            worker.say("inspection", request=message["request"], data={})

    worker.heard = answer
    async with joined(worker) as session:
        with pytest.raises(KernelProtocol, match="Inspection is no answer to Complete"):
            await session.complete("x", 1)


async def test_a_payload_that_only_python_can_read_is_read(worker: ScriptedWorker) -> None:
    deep: object = float("inf")
    for _ in range(400):
        deep = [deep]
    asked: list[p.Ask | p.Withdraw] = []
    async with joined(worker, watching=Watching(asked=asked.append)) as session:
        cell = await session.execute("x")
        about: dict[str, Any] = {"promise": "p", "capability": "c", "timeout": 1.0}
        worker.begin(cell.execution_id, 1)
        worker.say("ask", execution_id=cell.execution_id, payload=deep, **about)
        worker.result(cell.execution_id)
        await cell.outcome()
        assert isinstance(asked[0], p.Ask)
        assert asked[0].payload == deep
