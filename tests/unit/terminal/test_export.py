import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from inspan.keeper.recording import INDEX, INPUT, RAW, Record
from inspan.terminal.export import asciicast, plain
from inspan.terminal.playback import Playback

pytestmark = pytest.mark.requirement("B6")


def recording(folder: Path, raw: bytes, records: Iterable[Record], typed: bytes = b"") -> Playback:
    folder.mkdir()
    (folder / RAW).write_bytes(raw)
    (folder / INPUT).write_bytes(typed)
    (folder / INDEX).write_bytes(b"".join(record.pack() for record in records))
    return Playback(folder)


def cast(playback: Playback, **named: str) -> tuple[dict[str, Any], list[Any]]:
    header, *events = [json.loads(line) for line in asciicast(playback, **named)]
    return header, events


def test_a_terminal_session_becomes_an_asciicast(tmp_path: Path) -> None:
    raw = "hé".encode()
    playback = recording(
        tmp_path / "s",
        raw + b"\x1b[1m!",
        [
            Record(1000.0, 0, "r", 100, 30),
            Record(1000.25, 0, "o"),
            Record(1000.5, 2, "o"),
            Record(1001.0, 3, "i", 2, 0),
            Record(1001.5, 3, "r", 90, 20),
            Record(1002.0, 3, "o"),
            Record(1003.0, 8, "x", 0, 15),
        ],
        typed=b"ok",
    )
    header, events = cast(playback, title="a task", command="demo")
    assert header == {
        "version": 3,
        "term": {"cols": 100, "rows": 30, "type": "xterm-256color"},
        "timestamp": 1000,
        "title": "a task",
        "command": "demo",
    }
    assert events == [
        [0.25, "o", "h"],
        [0.25, "o", "é"],
        [0.5, "i", "ok"],
        [0.5, "r", "90x20"],
        [0.5, "o", "\x1b[1m!"],
        [1.0, "x", "143"],
    ]


def test_pipes_play_as_they_would_on_a_terminal(tmp_path: Path) -> None:
    records = [Record(1.0, 0, "o"), Record(1.1, 2, "e"), Record(1.2, 5, "x", 2, 0)]
    header, events = cast(recording(tmp_path / "s", b"a\nb\n\xc3", records))
    assert header["term"]["cols"] == 80
    assert events == [
        [0.0, "o", "a\r\n"],
        [0.1, "o", "b\r\n"],
        [0.1, "o", "\ufffd"],
        [0.0, "x", "2"],
    ]


def test_a_gap_becomes_a_marker(tmp_path: Path) -> None:
    records = [Record(1, 0, "r", 80, 24), Record(1, 0, "o"), Record(2, 1, "m", 0, 3)]
    playback = recording(tmp_path / "s", b"a\0\0\0b", records)
    assert cast(playback)[1] == [
        [0.0, "o", "a"],
        [0.0, "m", "[3 bytes were not kept]"],
        [0.0, "o", "b"],
    ]
    assert "".join(plain(playback)) == "a\n[3 bytes were not kept]\nb"


def test_intervals_add_up_to_the_whole_and_never_run_backwards(tmp_path: Path) -> None:
    records = [Record(5.0 + at * 0.0004, at, "o") for at in range(1000)]
    records.append(Record(4.0, 1000, "x", 0, 0))
    _, events = cast(recording(tmp_path / "s", b"z" * 1000, records))
    assert min(event[0] for event in events) >= 0
    assert abs(sum(event[0] for event in events) - 0.4) < 0.002


def test_a_cast_is_safe_to_print(tmp_path: Path) -> None:
    playback = recording(tmp_path / "s", b"\x1b]52;c;x\x07\xc2\x9b", [Record(1, 0, "o")])
    assert all(line.isascii() and line.rstrip("\n").isprintable() for line in asciicast(playback))


def test_plain_text_of_a_finished_session(tmp_path: Path) -> None:
    records = [Record(1, 0, "o"), Record(2, 11, "x", 0, 0)]
    playback = recording(tmp_path / "s", b"\x1b[1mx\r\n\x1b[31", records)
    assert "".join(plain(playback)) == "x\n31"
    assert "".join(plain(playback, colours=True)) == "\x1b[1mx\n31\x1b[0m"
