"""How a program is driven for a recording, shown with small ones of ours."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.agents.agent import Json
from tests.agents.drive import MARK, Act, Transcript, marked, run
from tests.agents.endpoint.scenario import SCENARIOS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")


class Echo:
    """Says two things and is over when both have come back."""

    def __init__(self) -> None:
        self.over = False
        self.session: str | None = None
        self.asking = False
        self.heard: list[Json] = []

    def open(self) -> Iterable[Json]:
        yield {"say": 1}

    def hear(self, message: Json) -> Iterable[Json]:
        self.heard.append(message)
        self.over = len(self.heard) == 2
        if not self.over:
            yield {"say": 2}

    def interrupt(self) -> Iterable[Json]:
        yield {"say": "stop"}


def driven(code: str, tmp_path: Path, stdin: bytes | Echo = b"", **more: object) -> Transcript:
    env = {"PATH": os.environ["PATH"], MARK: str(tmp_path)}
    argv = [sys.executable, "-c", code]
    done = run(argv, env=env, cwd=tmp_path, stdin=stdin, **more)  # type: ignore[arg-type]  # by name
    assert not marked(str(tmp_path))
    return done


def test_it_keeps_every_byte_and_the_status(tmp_path: Path) -> None:
    code = (
        "import sys; data = sys.stdin.buffer.read(); sys.stdout.buffer.write(data[::-1]);"
        "sys.stderr.write('so'); sys.exit(3)"
    )
    done = driven(code, tmp_path, bytes(range(256)) * 1000)
    assert done.stdout == (bytes(range(256)) * 1000)[::-1]
    assert (done.stderr, done.status, done.late, done.left) == (b"so", 3, False, [])


def test_a_dialogue_answers_line_by_line_and_ends_with_standard_input(tmp_path: Path) -> None:
    echo = Echo()
    done = driven(
        "import sys\nfor line in sys.stdin: print(line, end='', flush=True)", tmp_path, echo
    )
    assert echo.heard == [{"say": 1}, {"say": 2}]
    assert done.stdin == b'{"say":1}\n{"say":2}\n'
    assert done.writes == [0, 1]
    assert done.status == 0


def test_what_does_not_end_is_ended_and_said_to_be_late(tmp_path: Path) -> None:
    done = driven("import time; time.sleep(300)", tmp_path, deadline=0.5)
    assert (done.late, done.status, done.signals) == (True, -signal.SIGTERM, ["SIGTERM"])


def test_a_signal_is_sent_when_the_moment_has_come(tmp_path: Path) -> None:
    code = "import pathlib, time; pathlib.Path('here').touch(); time.sleep(300)"
    act = Act((tmp_path / "here").exists, signal.SIGINT)
    done = driven(code, tmp_path, act=act)
    assert done.signals == ["SIGINT"]
    assert done.status == -signal.SIGINT
    assert not done.late


def test_what_outlives_the_program_is_named_and_ended(tmp_path: Path) -> None:
    code = "import subprocess; subprocess.Popen(['sleep', '300'], start_new_session=True)"
    assert driven(code, tmp_path).left == ["sleep 300"]


def test_every_scenario_has_a_turn() -> None:
    assert all(SCENARIOS.values())
