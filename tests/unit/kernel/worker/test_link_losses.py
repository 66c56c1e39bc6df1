"""The worker's wire where it breaks in the middle: of a write, of the end, of its own descriptors.

A host that ends its reading, and stays, is one whose end nobody is told: what is written fails.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inspan.kernel.protocol import Broken, Error
from tests.real.kernel import PATIENCE, Cell, GoneError, Worker, ended, wait_until

pytestmark = pytest.mark.requirement("D1")


def deaf(worker: Worker) -> None:
    """Let the worker's next write fail, and no event tell it so before."""
    worker.host._link.shutdown(socket.SHUT_RD)


def test_what_a_cell_says_into_a_wire_that_broke_is_kept_for_the_next_host(tmp_path: Path) -> None:
    with Worker.start(tmp_path) as worker:
        cell = worker.begin(
            "import pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.002)\n"
            "print('said')\npathlib.Path('said').touch()\n7"
        )
        seen = worker.host.last_seq
        deaf(worker)
        (worker.folder / "go").touch()
        wait_until((worker.folder / "said").exists, "the cell has said it")
        former = worker.host
        worker.connect(last_seq=seen)
        former.close()
        assert worker.finish(cell).result.value == 7
        assert cell.stdout == "said\n"


def test_the_end_waits_for_no_host_that_takes_nothing_more(tmp_path: Path) -> None:
    with Worker.start(tmp_path) as worker:
        # More than the socket holds, so that the rest waits to be written.
        worker.execute("import pathlib; print('x' * (4 << 20))")
        worker.execute("pathlib.Path('next').touch()")
        wait_until((worker.folder / "next").exists, "the first cell has said all it had to")
        deaf(worker)
        worker.host.send({"type": "shutdown"})
        assert worker.process.wait(PATIENCE) == 0


def test_a_session_that_has_closed_its_own_wire_ends(tmp_path: Path) -> None:
    with Worker.start(tmp_path) as worker:
        # As programs do that make themselves a daemon.
        worker.execute("import os, time\nos.closerange(3, 256)\nwhile True: time.sleep(0.002)")
        assert worker.process.wait(PATIENCE) == 70
        with pytest.raises(GoneError):
            worker.host.wait(Broken)  # nothing could be said


#: Uses up the descriptors until there is a file ``go``.
_HOGS = """
import os, resource, time
most = resource.getrlimit(resource.RLIMIT_NOFILE)
last = os.dup(0)
resource.setrlimit(resource.RLIMIT_NOFILE, (last, most[1]))
print('none is left')
while not os.path.exists('go'): time.sleep(0.002)
resource.setrlimit(resource.RLIMIT_NOFILE, most)
os.close(last)
"""


@contextmanager
def none_left(folder: Path) -> Iterator[tuple[Worker, Cell]]:
    """A worker whose cell has left it no descriptor, and the cell."""
    with Worker.start(folder) as worker:
        cell = worker.begin(_HOGS)
        worker.read(cell, lambda cell: "none is left" in cell.stdout)
        yield worker, cell
        worker.read(cell, ended)
        assert not isinstance(cell.end, Error)


def test_a_host_that_comes_back_is_met_though_no_descriptor_is_left(tmp_path: Path) -> None:
    with none_left(tmp_path) as (worker, _):
        for _ in range(3):
            former = worker.host
            worker.connect(last_seq=former.last_seq)
            former.close()
        (worker.folder / "go").touch()


def test_where_the_last_descriptor_is_a_stranger_s_a_host_is_met_once_there_is_another(
    tmp_path: Path,
) -> None:
    with none_left(tmp_path) as (worker, _), socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(worker.socket))
        another = worker.open(worker.host.last_seq)
        with pytest.raises(TimeoutError):
            another.receive(0.05)
        (worker.folder / "go").touch()
        former, worker.host = worker.host, another
        worker.host.receive()
        former.close()


def test_a_second_hello_is_no_message(tmp_path: Path) -> None:
    with Worker.start(tmp_path) as worker:
        words = {"session": worker.session, "token": worker.token, "version": 1}
        worker.host.send({"type": "hello", **words})
        assert "hello came twice" in worker.host.wait(Broken).reason
        assert worker.process.wait(PATIENCE) == 70
