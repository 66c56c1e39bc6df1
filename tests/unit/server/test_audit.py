"""The audit log: each line chained to the one before, through restarts, rotation and bad days."""

from __future__ import annotations

import json
import logging
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.server import audit as audits
from inspan.server.audit import NOTHING, Audit, read

pytestmark = pytest.mark.requirement("C9")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def write(path: Path, *what: str) -> None:
    log = Audit(path)
    for one in what:
        log.note("owner", one, 201)
    log.close()


def broken(path: Path) -> list[int]:
    return [number for number, entry in enumerate(read(path), 1) if entry.broken]


def test_lines_are_chained_through_restarts(path: Path) -> None:
    write(path, "POST /a", "POST /b")
    write(path, "POST /c")
    entries = [*read(path)]
    assert [entry.line["what"] for entry in entries] == ["POST /a", "POST /b", "POST /c"]
    assert entries[0].line["before"] == NOTHING
    assert [entry.line["before"] for entry in entries[1:]] == [e.hash for e in entries[:-1]]
    assert not broken(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@given(st.integers(0, 4), st.sampled_from(["change", "remove", "double", "swap", "nonsense"]))
def test_a_line_that_is_tampered_with_shows(number: int, how: str) -> None:
    import tempfile  # noqa: PLC0415 - a fixture would serve all examples

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.jsonl"
        write(path, *(f"POST /{one}" for one in range(6)))
        lines = path.read_text().splitlines(keepends=True)
        if how == "change":
            lines[number] = lines[number].replace("owner", "nobody")
        elif how == "remove":
            del lines[number]
        elif how == "double":
            lines.insert(number, lines[number])
        elif how == "swap":
            lines[number : number + 2] = reversed(lines[number : number + 2])
        else:
            lines[number] = "}{\n"
        path.write_text("".join(lines))
        found = broken(path)
        # That the oldest lines are gone is also what rotation does: there the chain begins anew.
        assert found or (how == "remove" and number == 0)


def test_a_line_that_a_crash_cut_short_is_named_and_the_rest_goes_on(path: Path) -> None:
    write(path, "POST /a", "POST /b")
    os.truncate(path, path.stat().st_size - 9)
    write(path, "POST /c", "POST /d")
    assert broken(path) == [2]
    assert [entry.line.get("what") for entry in read(path)] == [
        *("POST /a", None, "POST /c", "POST /d")
    ]


def test_large_files_make_room_and_the_chain_goes_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audits, "FILE_MOST", 1000)
    log = Audit(path)
    for number in range(100):
        log.note("owner", f"POST /{number}", 201)
    log.close()
    assert len([*path.parent.iterdir()]) == audits.KEPT + 1
    numbers = [int(entry.line["what"].removeprefix("POST /")) for entry in read(path)]
    assert numbers == [*range(numbers[0], 100)]
    assert not broken(path)


def test_a_flood_of_strangers_is_told_in_numbers(path: Path) -> None:
    now = 1000.0
    log = Audit(path, lambda: now)
    for _ in range(audits.REFUSALS_MOST + 50):
        log.note(None, "GET /v1/tasks", 401)
    log.note("owner", "POST /v1/tasks", 201)
    now += audits.REFUSALS_SPAN + 1
    log.note(None, "GET /v1/tasks", 401)
    log.close()
    entries = [*read(path)]
    assert len(entries) == audits.REFUSALS_MOST + 2
    assert entries[-1].line["unwritten"] == 50


def test_where_it_cannot_be_written_that_is_said_once_and_work_goes_on(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.mkdir()
    log = Audit(path)
    with caplog.at_level(logging.ERROR):
        log.note("owner", "POST /a", 201)
        log.note("owner", "POST /b", 201)
    assert len(caplog.records) == 1
    path.rmdir()
    log.note("owner", "POST /c", 201)
    log.close()
    assert [entry.line["what"] for entry in read(path)] == ["POST /c"]


def test_a_line_that_the_disk_cut_short_is_told_and_the_chain_shows_it(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, written = Audit(path), os.write
    log.note("owner", "POST /a", 201)
    with monkeypatch.context() as full, caplog.at_level(logging.ERROR):
        full.setattr(os, "write", lambda file, line: written(file, line[:9]))
        log.note("owner", "POST /b", 201)
    assert "a line was cut short" in caplog.text
    log.note("owner", "POST /c", 201)
    log.close()
    assert broken(path) == [2]
    assert [entry.line.get("what") for entry in read(path)] == ["POST /a", None, "POST /c"]


def test_what_is_long_or_odd_stays_one_line(path: Path) -> None:
    write(path, "POST /" + "x" * 5000, 'POST /\n{"who": "nobody"}\x1b]52;\udcff')
    lines = path.read_bytes().splitlines()
    assert len(lines) == 2
    assert all(len(line) < 1000 and line.isascii() for line in lines)
    assert json.loads(lines[1])["who"] == "owner"
