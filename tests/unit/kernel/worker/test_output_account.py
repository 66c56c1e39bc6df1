"""What the board is told of prints that an interrupt strikes."""

import threading
from pathlib import Path
from typing import Any

import pytest

from inspan.kernel.worker.board import Board
from inspan.kernel.worker.output import Capture
from tests.real.kernel import wait_until

pytestmark = pytest.mark.requirement("D9")


class Struck(Board):
    """An interrupt strikes who prints, once it has told of that."""

    armed = False
    told = (0, 0)

    def printed(self, number: int) -> None:
        self.told = (number, self.told[1])
        if self.armed:
            raise KeyboardInterrupt

    def sent(self, number: int) -> None:
        self.told = (self.told[0], number)


def test_the_board_is_told_of_all_that_an_interrupted_print_had_said(tmp_path: Path) -> None:
    came: list[bytes] = []
    goes, at_it = threading.Semaphore(0), threading.Semaphore(0)

    def send(_: dict[str, Any], body: bytes) -> None:
        at_it.release()
        assert goes.acquire(timeout=20)
        came.append(body)

    board = Struck(str(tmp_path))
    capture = Capture(str(tmp_path), send, lambda: "c1", board)
    capture.start()
    capture.put("stdout", "1")
    assert at_it.acquire(timeout=20)
    capture.put("stdout", "2")
    capture.put("stderr", "3")
    goes.release()
    # The second round is being sent, and takes along what is printed now: of the third.
    assert at_it.acquire(timeout=20)
    board.armed = True
    with pytest.raises(KeyboardInterrupt):
        capture.put("stderr", "4")
    goes.release(2)
    wait_until(lambda: came == [b"1", b"2", b"34"] and not capture._sending, "all is sent")
    assert board.told == (3, 2)
    capture.flush()
    wait_until(lambda: board.told == (3, 3), "the board knows that it is")
    capture.close()


def test_an_end_is_what_was_last_known_where_user_code_closed_the_file(tmp_path: Path) -> None:
    capture = Capture(str(tmp_path), lambda _, __: None, lambda: "c1", Board(str(tmp_path)))
    with (tmp_path / "out.raw").open("w+b") as file:
        file.write(b"two\n")
        file.flush()
        capture._looks["stdout"] = file.fileno()
        assert capture.ends() == {"out": 4, "err": 0}
    capture._looks["stdout"] = -1  # a number that nothing else can be given
    assert capture.ends() == {"out": 4, "err": 0}
