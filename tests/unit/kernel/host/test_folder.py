"""A folder is a leftover when the program that made it is gone, and not before."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from inspan.errors import SpawnFailed
from inspan.kernel.host import folder
from inspan.kernel.host.folder import PREFIX, PrivateFolder

NAME = PREFIX + "0" * 25

#: Makes a folder, says so, and stays until it is killed.
PROGRAM = """
import sys, time
from pathlib import Path
from inspan.kernel.host.folder import PrivateFolder
made = PrivateFolder.make(Path(sys.argv[1]), sys.argv[2])
print("made", flush=True)
time.sleep(60)
"""


def test_a_folder_is_its_makers_until_that_is_killed(home: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(home), NAME + "1"], stdout=subprocess.PIPE
    )
    with program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"made\n"
        assert PrivateFolder.leftovers(home) == ()
        program.kill()
    socket = home / "socket"
    socket.touch()
    card = {"session": "s", "socket": str(socket), "token": "t"}
    (home / (NAME + "1") / "card.json").write_text(json.dumps(card))
    (left,) = PrivateFolder.leftovers(home)
    assert left.path == home / (NAME + "1")
    assert PrivateFolder.leftovers(home) == ()  # one program has taken it
    left.remove()
    assert list(home.iterdir()) == []


def test_a_folder_in_the_making_is_no_leftover(home: Path) -> None:
    (home / (NAME + "1")).mkdir()
    fd = os.open(home, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_SH)
    assert PrivateFolder.leftovers(home) == ()
    os.close(fd)
    (left,) = PrivateFolder.leftovers(home)
    left.remove()


def test_nothing_else_is_taken(home: Path) -> None:
    for other in ("named", PREFIX + "short", NAME + "A", NAME + "11", "py-" + "0" * 26):
        (home / other).mkdir()
    (home / (NAME + "1")).write_text("a file")
    (home / (NAME + "2")).symlink_to(home / "named")
    assert PrivateFolder.leftovers(home) == ()
    assert PrivateFolder.leftovers(home / "none") == ()


def test_a_start_takes_a_part_of_many(home: Path) -> None:
    for number in range(folder._MOST + 3):
        (home / f"{PREFIX}{number:026}").mkdir()
    for many in (folder._MOST, 3):
        found = PrivateFolder.leftovers(home)
        assert len(found) == many
        for one in found:
            one.remove()


def test_a_folder_that_cannot_be_made_is_told(home: Path) -> None:
    PrivateFolder.make(home, NAME + "1").remove()
    (home / (NAME + "1")).mkdir()
    with pytest.raises(SpawnFailed, match="exists"):
        PrivateFolder.make(home, NAME + "1")
