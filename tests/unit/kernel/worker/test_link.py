"""The worker's wire: hosts that come, go, replace one another, and talk nonsense."""

import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspan.kernel.frames import LENGTHS, Decoder, FrameError, encode
from inspan.kernel.protocol import (
    Began,
    Broken,
    ExecutionMode,
    Heartbeat,
    Output,
    Ready,
    Result,
    Started,
)
from inspan.kernel.worker.pulse import BEAT
from tests.real.kernel import PATIENCE, GoneError, Worker, ended, wait_until


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with Worker.start(tmp_path_factory.mktemp("worker")) as worker:
        yield worker


def test_ready_says_who_it_is(tmp_path: Path) -> None:
    with Worker.start(tmp_path) as worker:
        worker.host.close()
        ready = worker.connect()
        assert (ready.session, ready.pid, ready.seq) == (worker.session, worker.process.pid, 0)
        assert (ready.execution_id, ready.number) == (None, 0)


KNOCKS = """
import os, socket, sys
from inspan.kernel.frames import Decoder, encode
from inspan.kernel.worker.board import Board
from inspan.kernel.worker.ear import Ear
from inspan.kernel.worker.link import Link, VERSION

def nothing(*_): return {}
heard = []
path = sys.argv[1]
link = Link(path, session="a", token="b", receive=heard.append, state=nothing, beat=nothing,
            broken=nothing, ear=Ear(), board=Board(os.path.dirname(path)))
host = socket.socket(socket.AF_UNIX)
host.connect(path)
hello = {"type": "hello", "version": VERSION, "session": "a", "token": "b", "last_seq": 0}
host.sendall(encode({**hello, "board": False}) + encode({"type": "shutdown"}))
link.start()
host.setblocking(False)
[(ready, _)] = Decoder().feed(host.recv(1 << 16))
print(ready["type"], [message["type"] for message in heard], flush=True)
os._exit(0)
"""


def test_who_knocked_before_it_begins_is_answered_as_it_begins(tmp_path: Path) -> None:
    asked = [sys.executable, "-c", KNOCKS, str(tmp_path / "door")]
    said = subprocess.run(asked, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert said.stdout == "ready ['shutdown']\n", said.stderr


@pytest.mark.requirement("D1")
def test_a_host_that_vanishes_mid_cell_misses_nothing(tmp_path: Path) -> None:
    with Worker.start(tmp_path) as worker:
        worker.run("import asyncio\ngo = asyncio.Event()")
        cell = worker.begin(
            "print('one')\nfor _ in range(1000): await asyncio.sleep(0.01)\nprint('two')\n5"
        )
        worker.read(cell, lambda cell: "one" in cell.stdout)
        seen = worker.host.last_seq
        worker.host.close()
        ready = worker.connect(last_seq=seen)
        assert (ready.execution_id, ready.number) == (cell.execution_id, cell.started.number)
        worker.host.close()
        worker.connect(last_seq=seen)
        worker.interrupt(cell)
        assert ended(cell)


def test_what_a_cell_ends_with_while_no_host_is_there_is_kept(tmp_path: Path) -> None:
    with Worker.start(tmp_path) as worker:
        cell = worker.begin(
            "import pathlib, time\ntime.sleep(0.1)\nprint('away')\npathlib.Path('done').touch()\n6"
        )
        seen = worker.host.last_seq
        worker.host.close()
        wait_until((worker.folder / "done").exists, "the cell came to its end")
        worker.connect(last_seq=seen)
        assert worker.finish(cell).result.value == 6
        assert cell.stdout == "away\n"


def test_a_host_that_has_seen_nothing_gets_all_from_the_first(tmp_path: Path) -> None:
    with Worker.start(tmp_path) as worker:
        for number in range(3):
            worker.run(f"print({number})\n{number}")
        last = worker.host.last_seq
        worker.host.close()
        assert worker.connect().seq == last
        again = [worker.host.receive() for _ in range(last)]
        assert [message.value for message, _ in again if isinstance(message, Result)] == [0, 1, 2]
        assert b"".join(b for m, b in again if isinstance(m, Output)) == b"0\n1\n2\n"


def test_what_was_acknowledged_is_gone(tmp_path: Path) -> None:
    with Worker.start(tmp_path) as worker:
        worker.run("1")
        last = worker.host.last_seq
        worker.host.send({"type": "ack", "seq": last})
        worker.run("2")
        worker.host.close()
        worker.connect(last_seq=last)
        assert isinstance(worker.host.receive()[0], Started)


def test_a_second_host_replaces_the_first(worker: Worker) -> None:
    cell = worker.begin("import asyncio\nfor _ in range(3000): await asyncio.sleep(0.01)")
    first = worker.host
    worker.connect(last_seq=first.last_seq)
    with pytest.raises(GoneError):
        first.receive()
    first.close()
    worker.interrupt(cell)
    assert worker.run("1").result.value == 1


@pytest.mark.parametrize("wrong", [{"token": "no"}, {"token": "né"}, {"session": "task-2"}])
def test_who_says_hello_wrongly_is_let_go_and_disturbs_nobody(
    worker: Worker, wrong: dict[str, Any]
) -> None:
    stranger = worker.open(**wrong)
    with pytest.raises(GoneError):
        stranger.receive()
    stranger.close()
    assert worker.run("1").result.value == 1


def test_a_host_of_another_version_is_told_ours_and_let_go(worker: Worker) -> None:
    raw = socket.socket(socket.AF_UNIX)
    raw.connect(str(worker.socket))
    hello = {"type": "hello", "version": 99, "session": worker.session, "token": worker.token}
    raw.sendall(encode(hello))
    heard = b""
    while data := raw.recv(4096):
        heard += data
    raw.close()
    [(message, _)] = Decoder().feed(heard)
    assert (message["type"], message["version"]) == ("ready", 1)
    assert worker.run("1").result.value == 1


def test_strangers_that_say_nothing_keep_nobody_out(worker: Worker) -> None:
    strangers = []
    for _ in range(30):
        stranger = socket.socket(socket.AF_UNIX)
        stranger.connect(str(worker.socket))
        strangers.append(stranger)
    worker.host.close()
    worker.connect(last_seq=worker.host.last_seq)
    for stranger in strangers:
        stranger.close()
    assert worker.run("1").result.value == 1


@pytest.mark.requirement("D2")
@pytest.mark.parametrize(
    "raw",
    [
        b"\xff" * 64,
        LENGTHS.pack(2, 0) + b"[]",
        LENGTHS.pack(3, 0) + b"abc",
        encode({"type": "no such"}),
        encode({}),
        encode({"type": "execute", "code": "1"}),
        encode({"type": "execute", "code": 1, "execution_id": "a"}),
        encode({"type": "execute", "code": "1", "execution_id": ""}),
        encode({"type": "ack", "seq": True}),
        encode({"type": "ack", "seq": -1}),
        encode({"type": "shutdown", "more": 1}),
        LENGTHS.pack(200_000, 0) + b"[" * 200_000,
    ],
    ids=range(12),
)
def test_a_host_that_sends_no_message_is_told_and_the_worker_ends(
    tmp_path: Path, raw: bytes
) -> None:
    with Worker.start(tmp_path) as worker:
        worker.host.send_bytes(raw)
        assert worker.host.wait(Broken).reason
        assert worker.process.wait(PATIENCE) == 70


def test_broken_comes_while_code_holds_the_main_thread(tmp_path: Path) -> None:
    with Worker.start(tmp_path) as worker:
        worker.begin("while True: pass")
        worker.host.send_bytes(b"\xff" * 64)
        assert worker.host.wait(Broken).reason
        assert worker.process.wait(PATIENCE) == 70


@given(parts=st.lists(st.binary(max_size=200), max_size=8))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_of_a_stranger_do_harm(worker: Worker, parts: list[bytes]) -> None:
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(worker.socket))
        try:
            for part in parts:
                stranger.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            assert parts
    assert worker.run("1").result.value == 1


@given(
    st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=9)), max_size=5),
    st.data(),
)
def test_a_decoder_gives_what_was_encoded_however_it_is_cut(
    messages: list[dict[str, object]], data: st.DataObject
) -> None:
    bodies = [data.draw(st.binary(max_size=50)) for _ in messages]
    raw = b"".join(map(encode, messages, bodies))
    decoder, got = Decoder(), []
    while raw:
        size = data.draw(st.integers(1, len(raw)))
        got += decoder.feed(raw[:size])
        raw = raw[size:]
    assert got == [*zip(messages, bodies, strict=True)]


@given(st.binary(max_size=300), st.integers(0, 1 << 32 - 1), st.integers(0, 1 << 32 - 1))
def test_a_decoder_takes_any_bytes(raw: bytes, head: int, body: int) -> None:
    for given_bytes in (raw, struct.pack(">II", head % 300, body % 300) + raw):
        try:
            frames = Decoder().feed(given_bytes)
        except FrameError:
            continue
        assert all(isinstance(message, dict) for message, _ in frames)


def test_a_heartbeat_comes_while_a_cell_blocks(tmp_path: Path) -> None:
    with Worker.start(tmp_path) as worker:
        worker.run("name = 1")
        cell = worker.begin("while True: pass")
        beat = worker.host.wait(Heartbeat, BEAT + PATIENCE)
        assert (beat.execution_id, beat.namespace_size) == (cell.execution_id, 1)
        assert beat.memory_usage > 1 << 20
        assert beat.cpu_percent > 0


def test_an_idle_worker_takes_no_time(tmp_path: Path) -> None:
    with Worker.start(tmp_path) as worker:
        worker.run("import asyncio")  # which it does by itself else, once nothing comes
        worker.host.close()
        wait_until(lambda: _sleeps(worker.process.pid), "every thread of it sleeps")
        before = _switches(worker.process.pid)
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            assert _sleeps(worker.process.pid)
            os.sched_yield()
            time.sleep(0.1)
        assert _switches(worker.process.pid) == before


def _sleeps(pid: int) -> bool:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return all((task / "stat").read_text().rpartition(")")[2].split()[0] == "S" for task in tasks)


def _switches(pid: int) -> int:
    return sum(
        int(line.split()[1])
        for task in Path(f"/proc/{pid}/task").iterdir()
        for line in (task / "status").read_text().splitlines()
        if "ctxt_switches" in line
    )


def test_output_beyond_the_bound_is_dropped_and_said(tmp_path: Path) -> None:
    with Worker.start(tmp_path) as worker:
        # The host reads nothing and acknowledges nothing: 96 MiB do not fit.
        cell = worker.begin("for _ in range(96): print('x' * (1 << 20))\n7")
        told = dropped = 0
        while not ended(cell):
            message, body = worker.host.receive()
            if isinstance(message, Output):
                told += len(body)
                dropped += message.dropped
            cell.messages.append(message)
        assert cell.result.value == 7
        assert told + dropped == 96 * ((1 << 20) + 1)
        assert dropped


def test_ready_is_the_answer_to_hello_alone(worker: Worker) -> None:
    stranger = socket.socket(socket.AF_UNIX)
    stranger.connect(str(worker.socket))
    stranger.sendall(encode({"type": "execute", "execution_id": "x", "code": "1"}))
    assert stranger.recv(1) == b""
    stranger.close()
    worker.host.close()
    ready = worker.connect(last_seq=worker.host.last_seq)
    assert isinstance(ready, Ready)


def test_a_host_that_reads_the_board_is_told_of_the_start_with_what_follows(tmp_path: Path) -> None:
    with Worker.start(tmp_path) as worker:
        worker.host.close()
        worker.connect(board=True)
        worker.run("import pathlib, time\ndef there(name): return pathlib.Path(name).exists()")
        cell = worker.execute("while not there('go'): time.sleep(0.01)\nprint('went')")
        wait_until(lambda: begun(worker) == (2, b"blocking_sync"), "the board names the cell")
        with pytest.raises(TimeoutError):
            worker.gather(cell, 0.05)
        (worker.folder / "go").touch()
        worker.finish(cell)
        assert [type(message) for message in cell.messages] == [Started, Output, Result]
        short = worker.run("1 + 1")
        assert [type(message) for message in short.messages] == [Result]
        assert short.result.began == Began(number=3, mode=ExecutionMode.SIMPLE_SYNC)
        worker.execute("while not there('gone'): time.sleep(0.01)")
        wait_until(lambda: begun(worker)[0] == 4, "the board names the cell")
        worker.host.close()
        # Who takes its place is told of it, and then of its end.
        worker.connect(last_seq=worker.host.last_seq)
        assert isinstance(worker.host.receive()[0], Started)
        (worker.folder / "gone").touch()
        assert isinstance(worker.host.receive()[0], Result)
        worker.host.close()
        # Another host, which does not read it, is told at once.
        worker.connect(last_seq=worker.host.last_seq)
        waits = worker.begin("while there('go'): time.sleep(0.01)")
        (worker.folder / "go").unlink()
        worker.finish(waits)


def begun(worker: Worker) -> tuple[int, bytes]:
    number, mode = struct.unpack_from("<Q16s", (worker.folder / "interrupt").read_bytes(), 8)
    return number, mode.rstrip(b"\0")


def test_the_board_tells_how_far_what_was_printed_has_got(worker: Worker) -> None:
    def stand() -> tuple[int, ...]:
        return struct.unpack_from("=QQQ", (worker.folder / "interrupt").read_bytes(), 32)

    worker.run("print('one'); print('two', end='')")
    wait_until(lambda: 0 < stand()[0] <= stand()[1], "all of it was sent")
    _, sent, said = stand()
    assert said == worker.host.last_seq
    cell = worker.begin("while True: print('x', end='')")
    wait_until(lambda: stand()[0] > sent + 10, "it prints")
    worker.interrupt(cell)
    # What a cell said goes before its end; that it went is told a moment later.
    wait_until(lambda: stand()[0] <= stand()[1], "all of it was sent")
