"""What a session prints, in processes of their own where descriptors are taken over."""

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.kernel.frames import BODY_MOST
from inspan.kernel.protocol import FROM_WORKER
from inspan.kernel.worker.board import Board
from inspan.kernel.worker.output import Capture, Send
from inspan.kernel.worker.utf8 import unbroken

pytestmark = pytest.mark.requirement("D9")

BEFORE = """
import base64, contextvars, json, os, sys, threading, time
from inspan.kernel.worker.board import Board
from inspan.kernel.worker.output import Capture
report = os.dup(1)
cell = contextvars.ContextVar("cell", default=None)
sent = []
capture = Capture(
    sys.argv[1], lambda head, body: sent.append((head, body)), cell.get, Board(sys.argv[1])
)
capture.install()
cell.set("c1")
"""
AFTER = """
capture.flush()
ends = capture.ends()
frames = [[head, base64.b64encode(body).decode()] for head, body in sent]
with os.fdopen(report, "w") as file:
    json.dump({"frames": frames, "ends": ends}, file)
capture.close()
"""


@dataclass
class Seen:
    frames: list[tuple[dict[str, Any], bytes]]
    ends: dict[str, int]
    out: bytes
    err: bytes

    def text(self, cell: str | None = "c1", stream: str = "stdout") -> bytes:
        """All that came of a cell by a stream."""
        return b"".join(
            body
            for head, body in self.frames
            if head["execution_id"] == cell and head["stream"] == stream
        )


Run = Callable[[str], Seen]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def started(code: str) -> Seen:
        done = subprocess.run(
            [sys.executable, "-c", BEFORE + code + AFTER, str(tmp_path)],
            capture_output=True,
            timeout=40,
            check=False,
        )
        out, err = (tmp_path / "out.raw").read_bytes(), (tmp_path / "err.raw").read_bytes()
        assert done.returncode == 0, err.decode()
        told = json.loads(done.stdout)
        frames = [(head, base64.b64decode(body)) for head, body in told["frames"]]
        for number, (head, _) in enumerate(frames, 1):
            FROM_WORKER.validate_python({"seq": number, **head})
        return Seen(frames, told["ends"], out, err)

    return started


def test_text_and_bytes_come_in_order_by_stream_and_cell(run: Run) -> None:
    seen = run("""
print("one", end="")
print("oops", file=sys.stderr)
sys.stdout.buffer.write("zwei é".encode())
sys.stdout.writelines(["a", "b"])
cell.set("c2")
print("later \\ud800")
assert sys.stdout.isatty() is False and sys.stdout.fileno() == 1 and sys.stderr.fileno() == 2
assert sys.stdout.encoding == "utf-8" and sys.stdout.errors == "backslashreplace"
assert sys.__stdout__ is sys.stdout and sys.stdout.buffer.fileno() == 1
sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
""")
    assert [(h["execution_id"], h["stream"], body) for h, body in seen.frames] == [
        ("c1", "stdout", b"one"),
        ("c1", "stderr", b"oops\n"),
        ("c1", "stdout", "zwei éab".encode()),
        ("c2", "stdout", b"later \\ud800\n"),
    ]
    assert seen.ends == {"out": 0, "err": 0}


def test_a_stream_refuses_what_is_no_text_and_outlives_its_close(run: Run) -> None:
    seen = run("""
for wrong in (lambda: sys.stdout.write(b"x"), lambda: sys.stdout.buffer.write("x"),
              lambda: sys.stdout.buffer.write(3)):
    try:
        wrong()
    except TypeError:
        continue
    raise AssertionError
try:
    sys.stdout.reconfigure(encoding="latin-1")
except OSError:
    print("refused")
import io
wrapped = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")
wrapped.write("wrapped ")
del wrapped
sys.stdout.close()
print("still", sys.stdout.closed)
""")
    assert seen.text() == b"refused\nwrapped still False\n"


def test_a_flood_is_whole_and_in_few_frames(run: Run) -> None:
    seen = run("""
for number in range(100_000):
    print(number)
for number in range(20_000):
    print(number, file=sys.stderr, flush=True)
""")
    assert seen.text() == b"".join(b"%d\n" % n for n in range(100_000))
    assert seen.text(stream="stderr") == b"".join(b"%d\n" % n for n in range(20_000))
    assert len(seen.frames) < 2_000


def test_one_large_print_is_cut_between_characters(run: Run) -> None:
    seen = run("print('x' + 'é€😀' * 2_300_000)")
    assert seen.text() == ("x" + "é€😀" * 2_300_000 + "\n").encode()
    assert all(len(body) <= BODY_MOST for _, body in seen.frames)
    for _, body in seen.frames:
        body.decode()


def test_a_character_written_in_parts_stays_whole_in_its_cell(run: Run) -> None:
    seen = run("""
sys.stdout.buffer.write("é".encode()[:1])
sys.stdout.flush()
other = contextvars.copy_context()
def elsewhere():
    cell.set("c2")
    print("two")
other.run(elsewhere)
sys.stdout.buffer.write("é".encode()[1:])
capture.flush()
sys.stdout.buffer.write(b"cut: " + "€".encode()[:2])
""")
    assert seen.text() == "écut: ".encode() + "€".encode()[:2]
    assert seen.text("c2") == b"two\n"


def test_a_line_has_left_when_the_print_returns(run: Run) -> None:
    seen = run("""
print("starting")
assert b"".join(body for _, body in sent) == b"starting\\n"
print("almost", end="", flush=True)
assert sent[-1][1] == b"almost"
""")
    assert seen.text() == b"starting\nalmost"


def test_text_without_a_line_end_leaves_soon(run: Run) -> None:
    run("""
print("no end", end="")
deadline = time.monotonic() + 10
while not sent:
    assert time.monotonic() < deadline
    time.sleep(0.001)
""")


def test_descriptors_go_to_files_and_ends_say_how_far(run: Run) -> None:
    seen = run("""
import ctypes, subprocess
os.write(1, b"written ")
os.system("echo system; echo oops >&2")
subprocess.run([sys.executable, "-c", "print('child')"])
subprocess.run(["echo", "given"], stdout=sys.stdout, stderr=sys.stderr)
ctypes.CDLL(None).printf(b"from C, no line end")
""")
    assert seen.out == b"written system\nchild\ngiven\nfrom C, no line end"
    assert seen.err == b"oops\n"
    assert seen.ends == {"out": len(seen.out), "err": len(seen.err)}


def test_c_output_that_holds_the_interpreter_cannot_block(run: Run) -> None:
    seen = run("""
import ctypes
ctypes.PyDLL(None).printf(b"%s", b"x" * 100_000)
""")
    assert seen.out == b"x" * 100_000
    assert seen.ends["out"] == 100_000


def test_lines_of_c_code_are_there_before_the_end(run: Run) -> None:
    run("""
import ctypes
ctypes.CDLL(None).printf(b"line\\n")
assert open(sys.argv[1] + "/out.raw").read() == "line\\n"
""")


def test_ends_are_known_when_the_descriptors_are_gone(run: Run) -> None:
    seen = run("""
os.write(1, b"abc")
os.close(1)
print("streams go on")
""")
    assert seen.ends == {"out": 3, "err": 0}
    assert seen.text() == b"streams go on\n"


def test_the_files_are_the_owners_alone(run: Run, tmp_path: Path) -> None:
    run("")
    files = (tmp_path / "out.raw", tmp_path / "err.raw")
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_threads_tasks_and_pools_speak_for_who_started_them(run: Run) -> None:
    seen = run("""
import asyncio
from concurrent.futures import ThreadPoolExecutor
from inspan.kernel.worker.threads import tag_pools
tag_pools(capture.here)
gate = threading.Event()
def nested():
    thread = threading.Thread(target=lambda: print("grandchild"))
    thread.start()
    thread.join()
def child():
    gate.wait(10)
    print("child")
    nested()
threads = [threading.Thread(target=child)]
threads[0].start()
pool = ThreadPoolExecutor(1)
pool.submit(print, "pool one").result()
async def task():
    while cell_now[0] == "c1":
        await asyncio.sleep(0)
    print("task")
cell_now = ["c1"]
async def main():
    running = asyncio.create_task(task())
    cell.set("c2")
    await asyncio.sleep(0)
    cell_now[0] = "c2"
    print("second cell")
    await running
    await asyncio.to_thread(print, "to_thread")
    await asyncio.get_running_loop().run_in_executor(pool, print, "pool two")
asyncio.run(main())
cell.set("c3")
gate.set()
for thread in threading.enumerate():
    if thread is not threading.current_thread() and not thread.daemon:
        pool.shutdown()
        thread.join(10)
""")
    assert seen.text("c1").split(b"\n") == [b"pool one", b"task", b"child", b"grandchild", b""]
    assert seen.text("c2").split(b"\n") == [b"second cell", b"to_thread", b"pool two", b""]


def test_threads_writing_at_once_lose_nothing_and_keep_their_order(run: Run) -> None:
    seen = run("""
def write(name):
    cell.set(name)
    for number in range(5_000):
        print(number)
threads = [threading.Thread(target=write, args=(f"t{n}",)) for n in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
""")
    whole = b"".join(b"%d\n" % n for n in range(5_000))
    assert [seen.text(f"t{n}") == whole for n in range(4)] == [True] * 4


def test_an_interrupt_while_printing_loses_nothing(run: Run) -> None:
    seen = run("""
import signal
def interrupt(_, frame):
    # Only where it strikes inside of what is tested; there the loop below is ready for it.
    if os.sep + "worker" + os.sep in frame.f_code.co_filename:
        raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
signal.setitimer(signal.ITIMER_REAL, 0.003, 0.0017)
hits = number = 0
while hits < 200:
    try:
        while True:
            text = f"{number}\\n"
            number += 1
            sys.stdout.write(text)
    except KeyboardInterrupt:
        hits += 1
signal.setitimer(signal.ITIMER_REAL, 0)
print("end", number)
""")
    *numbers, end = seen.text().split(b"\n")[:-1]
    # What was interrupted before it was taken may be missing; nothing else, and nothing twice.
    found = [int(number) for number in numbers]
    assert found == sorted(set(found))
    assert int(end.split()[1]) - len(found) <= 200


def test_a_forked_child_speaks_through_the_files(run: Run) -> None:
    seen = run("""
print("before", end="")
child = os.fork()
if not child:
    print("in the child", flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(" after")
""")
    assert seen.text() == b"before after\n"
    assert seen.out == b"in the child\n"


def test_what_is_printed_after_the_close_goes_into_the_files(run: Run) -> None:
    seen = run("""
print("before")
capture.close()
print("after", flush=True)
""")
    assert seen.text() == b"before\n"
    assert seen.out == b"after\n"


def test_faulthandler_has_a_place_to_write(run: Run) -> None:
    seen = run("import faulthandler; faulthandler.dump_traceback()")
    assert b"most recent call first" in seen.err


class Taken:
    """A ``send`` that a test may hold up."""

    def __init__(self) -> None:
        self.frames: list[tuple[dict[str, Any], bytes]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.waits = threading.Event()

    def __call__(self, head: dict[str, Any], body: bytes) -> None:
        if not self.gate.is_set():
            self.waits.set()
        assert self.gate.wait(20)
        self.frames.append((head, body))


def _capture(tmp_path: Path, send: Send, **how: Any) -> Capture:
    made = Capture(str(tmp_path), send, lambda: "c1", Board(str(tmp_path)), **how)
    made.start()
    return made


def test_to_block_waits_and_loses_nothing(tmp_path: Path) -> None:
    taken = Taken()
    capture = _capture(tmp_path, taken, most=1000)
    taken.gate.clear()

    def flood() -> None:
        for number in range(2000):
            capture.put("stdout", f"{number:04}\n")

    writer = threading.Thread(target=flood)
    writer.start()
    assert taken.waits.wait(20)
    assert not capture.flush(timeout=0.01)
    assert writer.is_alive()
    taken.gate.set()
    writer.join(20)
    assert capture.flush()
    capture.close()
    assert b"".join(body for _, body in taken.frames) == b"".join(
        b"%04d\n" % n for n in range(2000)
    )
    assert not any(head["dropped"] for head, _ in taken.frames)


def test_to_drop_never_waits_and_counts(tmp_path: Path) -> None:
    taken = Taken()
    capture = _capture(tmp_path, taken, policy="drop", most=1000)
    taken.gate.clear()
    for _ in range(2000):
        capture.put("stdout", "äöü\n")
    taken.gate.set()
    capture.flush()
    kept = sum(len(body) for _, body in taken.frames)
    dropped = sum(head["dropped"] for head, _ in taken.frames)
    assert dropped > 0
    assert kept + dropped == 2000 * 7
    capture.put("stdout", "again")
    capture.close()
    assert taken.frames[-1] == (
        {"type": "output", "execution_id": "c1", "stream": "stdout", "dropped": 0, "after": 0},
        b"again",
    )


def test_output_of_no_cell_does_not_wait_for_long(tmp_path: Path) -> None:
    taken = Taken()
    capture = Capture(str(tmp_path), taken, lambda: None, Board(str(tmp_path)), most=1000)
    capture.start()
    taken.gate.clear()
    capture.put("stderr", "x" * 2000)
    capture.put("stderr", "y" * 2000)
    taken.gate.set()
    capture.close()
    kept = sum(len(body) for _, body in taken.frames)
    assert kept + sum(head["dropped"] for head, _ in taken.frames) == 4000


def test_a_send_that_fails_leaves_the_text_to_the_files(run: Run) -> None:
    seen = run("""
def broken(head, body):
    raise OSError("gone")
capture._send = broken
print("not lost")
""")
    assert seen.frames == []
    assert seen.out == b"not lost\n"


def test_a_message_follows_what_was_printed_before_it(tmp_path: Path) -> None:
    taken = Taken()
    capture = _capture(tmp_path, taken)
    capture.put("stdout", "first")
    capture.send({"type": "display"}, b"")
    capture.close()
    assert [head["type"] for head, _ in taken.frames] == ["output", "display"]


@given(st.text(), st.integers(0, 40))
def test_a_cut_is_between_characters(text: str, at: int) -> None:
    data = text.encode("utf-8", "backslashreplace")
    end = unbroken(data, min(at, len(data)))
    assert min(at, len(data)) - 3 <= end <= min(at, len(data))
    assert data[:end].decode() + data[end:].decode() == data.decode()


@given(st.binary(max_size=40), st.integers(1, 40))
def test_a_cut_of_any_bytes_goes_on(data: bytes, at: int) -> None:
    end = min(at, len(data))
    assert end - 3 <= unbroken(data, end) <= end


WRITES = st.lists(
    st.tuples(
        st.sampled_from(["c1", "c2"]),
        st.sampled_from(["stdout", "stderr"]),
        st.one_of(st.text(max_size=5), st.binary(max_size=5), st.just(b"\xc3"), st.none()),
    )
)


@given(WRITES)
def test_whatever_is_written_comes_in_order_and_whole(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[str, str, str | bytes | None]]
) -> None:
    taken = Taken()
    now = ["c1"]
    base = str(tmp_path_factory.getbasetemp())
    capture = Capture(base, taken, lambda: now[0], Board(base))
    capture.start()
    wanted: dict[tuple[str, str], bytes] = {}
    for cell, stream, what in writes:
        now[0] = cell
        if what is None:
            capture.push()
            continue
        capture.put(stream, what)
        data = what if isinstance(what, bytes) else what.encode("utf-8", "backslashreplace")
        wanted[cell, stream] = wanted.get((cell, stream), b"") + data
    capture.close()
    came: dict[tuple[str, str], bytes] = {}
    for head, body in taken.frames:
        key = (head["execution_id"], head["stream"])
        came[key] = came.get(key, b"") + body
    assert came == {key: data for key, data in wanted.items() if data}
