import asyncio
import os
from pathlib import Path

import pytest

from inspan.kernel.host.output import BEHIND, HELPING, PIECE, Captures, Follower, prepare

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D9")]


def test_bytes_are_read_in_order_and_not_behind_where_is_asked(home: Path) -> None:
    prepare(home)
    (home / "out.raw").write_bytes(b"a" * PIECE + b"bcd")
    captures = Captures(home)
    assert captures.size(0) == PIECE + 3
    assert captures.read(0, 1 << 60) == b"a" * PIECE
    assert captures.read(0, PIECE + 1) == b"b"
    assert captures.read(0, PIECE) == b""
    assert captures.read(1, 100) == b""
    captures.close()


def test_a_later_reader_begins_behind_what_was_taken(home: Path) -> None:
    prepare(home)
    (home / "err.raw").write_bytes(b"taken, not taken")
    captures = Captures(home)
    captures.read(1, 100)
    captures.settled(1, 7)
    captures.settled(1, 3)
    captures.close()
    again = Captures(home)
    assert again.read(1, 100) == b"not taken"
    assert again.last_words(5) == "taken"
    again.close()


def test_where_nothing_was_taken_nothing_is_noted(home: Path) -> None:
    prepare(home)
    captures = Captures(home)
    assert not (home / "taken").exists()
    captures.settled(0, 0)
    captures.close()
    captures.settled(0, 3)
    assert not (home / "taken").exists()


def test_a_folder_is_prepared_once(home: Path) -> None:
    prepare(home)
    with pytest.raises(FileExistsError):
        prepare(home)


@pytest.mark.parametrize("name", ["out.raw", "err.raw"])
def test_a_folder_that_lacks_a_file_is_refused_and_nothing_of_it_is_held(
    home: Path, name: str
) -> None:
    prepare(home)
    (home / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        Captures(home)
    assert not [fd for fd in Path("/proc/self/fd").iterdir() if str(home) in os.path.realpath(fd)]


async def test_a_follower_looks_until_it_is_stopped_and_leaves_no_timer() -> None:
    looks = 0
    enough = asyncio.Event()

    def look() -> int:
        nonlocal looks
        looks += 1
        if looks == 5:
            follower.stop()
            enough.set()
        return PIECE if looks == 3 else 0

    follower = Follower(look)
    follower.start()
    follower.start()
    async with asyncio.timeout(30):
        await enough.wait()
    assert follower._timer is None or follower._timer.cancelled() or not follower._on
    assert looks == 5


def test_what_was_taken_is_given_back_to_the_disk(home: Path) -> None:
    prepare(home)
    whole = b"".join(b"%07d\n" % number for number in range(2 * (HELPING + BEHIND) // 8))
    file = home / "out.raw"
    file.write_bytes(whole)
    captures = Captures(home)
    read = b""
    while piece := captures.read(0, len(whole)):
        read += piece
        captures.settled(0, captures.at[0])
    captures.close()
    assert read == whole
    assert file.stat().st_size == len(whole)
    again = Captures(home, (5, 0))
    gone = again.passed(0)
    assert HELPING <= gone + 5 <= len(whole) - BEHIND
    assert again.passed(0) == 0
    assert again.read(0, len(whole)) == whole[gone + 5 :][:PIECE]
    assert again.passed(1) == 0
    again.close()
    if file.stat().st_blocks * 512 >= len(whole):
        pytest.skip("this file system makes no holes")
    assert file.stat().st_blocks * 512 < len(whole) - HELPING + PIECE
