"""A log stays within its bytes, whoever writes to it and whatever becomes of the file."""

from __future__ import annotations

import fcntl
import logging
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from inspan.keeper.logfile import LogFile, leads, turn

pytestmark = pytest.mark.requirement("C9")

MOST, KEPT = 1000, 2


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.log"


def opened(path: Path) -> LogFile:
    return LogFile(str(path), MOST, KEPT, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND))


def files(path: Path) -> list[Path]:
    """Oldest first."""
    return sorted(path.parent.glob(f"{path.name}*"), key=lambda file: file.name, reverse=True)


def numbers(path: Path) -> list[int]:
    return [int(line) for file in files(path) for line in file.read_text().split()]


def test_it_stays_within_its_bytes_and_keeps_the_newest(path: Path) -> None:
    log = opened(path)
    for number in range(2000):
        log.write(f"{number:07}\n")
    assert [file.name for file in files(path)] == ["a.log.2", "a.log.1", "a.log"]
    assert all(file.stat().st_size <= MOST + 8 for file in files(path))
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files(path)[-1:])
    kept = numbers(path)
    assert kept == [*range(kept[0], 2000)]
    assert len(kept) > KEPT * MOST // 8


def test_who_moves_it_away_gets_a_new_one(path: Path) -> None:
    log = opened(path)
    log.write("before\n")
    path.rename(path.with_name("theirs"))
    log.write("after\n")
    assert (path.with_name("theirs").read_text(), path.read_text()) == ("before\n", "after\n")
    path.unlink()
    log.write("again\n")
    assert path.read_text() == "again\n"


def test_a_link_that_somebody_puts_there_is_not_followed(path: Path, tmp_path: Path) -> None:
    log = opened(path)
    target = tmp_path / "precious"
    target.write_text("kept")
    path.unlink()
    path.symlink_to(target)
    log.write("words\n")
    assert target.read_text() == "kept"


def write_many(path: str, first: int, count: int) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    log = LogFile(path, MOST, 40, file)
    for number in range(first, first + count):
        log.write(f"{number:07}\n")


def test_several_processes_turn_it_once_and_lose_nothing(path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    writers = [
        fork.Process(target=write_many, args=(str(path), which * 1000, 1000)) for which in range(3)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
        assert writer.exitcode == 0
    assert sorted(numbers(path)) == [*range(3000)]
    assert len(files(path)) < 3000 * 8 // MOST + 2


def test_it_is_only_turned_where_it_is_large(path: Path) -> None:
    turn(str(path), MOST, KEPT)  # there is none
    path.write_text("short")
    turn(str(path), MOST, KEPT)
    assert [file.name for file in files(path)] == ["a.log"]
    path.write_bytes(bytes(MOST))
    turn(str(path), MOST, KEPT)
    assert [file.name for file in files(path)] == ["a.log.1"]


def test_it_is_a_stream_for_logging_and_a_descriptor_that_is_closed_is_no_log(path: Path) -> None:
    handler: logging.StreamHandler[LogFile] = logging.StreamHandler(opened(path))
    for number in range(500):
        handler.emit(logging.makeLogRecord({"msg": f"{number:07} \udcff"}))
    assert sum(file.stat().st_size for file in files(path)) <= (KEPT + 1) * (MOST + 20)
    assert path.read_text().splitlines()[-1] == "0000499 \\udcff"
    gone = os.open(path, os.O_RDONLY)
    assert leads(gone, str(path))
    os.close(gone)
    assert not leads(gone, str(path))


def test_what_else_is_printed_to_standard_error_goes_along(path: Path) -> None:
    code = f"""
import os, sys
from inspan.keeper.logfile import LogFile
log = LogFile({str(path)!r}, 100, 1)
for number in range(50):
    log.write("x" * 9 + "\\n")
print("a traceback", file=sys.stderr)
"""
    with path.open("ab") as stderr:
        subprocess.run([sys.executable, "-c", code], stderr=stderr, check=True, timeout=30)
    assert path.read_text().endswith("a traceback\n")
    assert sum(file.stat().st_size for file in files(path)) < 300


def test_the_keepers_own_log_is_kept_so(path: Path) -> None:
    code = f"""
import os
from inspan.keeper import log
log.MOST, log.KEPT = 1000, 1
log.keep({str(path)!r})
for number in range(200):
    log.say("word", number=number)
"""
    with path.open("ab") as stderr:
        subprocess.run([sys.executable, "-c", code], stderr=stderr, check=True, timeout=30)
    assert '"number": 199' in path.read_text()
    assert [file.name for file in files(path)] == ["a.log.1", "a.log"]
    assert sum(file.stat().st_size for file in files(path)) < 2200


def test_nobody_waits_for_another_who_turns_it_just_now(path: Path) -> None:
    path.write_bytes(bytes(MOST))
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        turn(str(path), MOST, KEPT)
        assert [file.name for file in files(path)] == ["a.log"]
    turn(str(path), MOST, KEPT)
    assert [file.name for file in files(path)] == ["a.log.1"]
