"""The player as a process, on pipes; on a terminal it is met in the contract of the providers."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from inspan.providers.scripted import PLAYER
from inspan.terminal.announce import Waiting, Working, encode

#: Coverage reaches into child processes by variables of its own.
_MEASURED = {name: text for name, text in os.environ.items() if name.startswith("COVERAGE_")}
ENV = {"PATH": os.environ["PATH"], "INSPAN_SESSION": "mark", **_MEASURED}


def play(cwd: Path, *steps: Any, typed: str = "") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*PLAYER, "--inline", json.dumps({"steps": steps})],
        cwd=cwd,
        env=ENV,
        input=typed.encode(),
        capture_output=True,
        timeout=20,
        check=False,
    )


def test_it_prints_streams_and_sets_the_title(tmp_path: Path) -> None:
    played = play(
        tmp_path,
        {"title": "busy"},
        {"say": {"text": "hé", "delay": 0.001}},
        {"say": {"text": "> ", "newline": False}},
        {"stream": {"lines": 2, "every": 0, "text": "line {n}"}},
        {"wait": 0},
        {"spin": 0.01},
    )
    assert played.stdout.decode() == "\x1b]0;busy\x07hé\n> line 1\nline 2\n"
    assert (played.returncode, played.stderr) == (0, b"")


def test_it_floods_with_exactly_so_many_bytes(tmp_path: Path) -> None:
    assert len(play(tmp_path, {"flood": 200_001}).stdout) == 200_001


def test_an_answer_chooses_the_way_and_can_be_used(tmp_path: Path) -> None:
    ask = {
        "question": "Which; one?",
        "options": ["left", "right"],
        "on": {"left": [{"say": "took {answer}"}], "right": [{"exit": 5}]},
    }
    left = play(
        tmp_path, {"ask": ask}, {"write": {"path": "a/b", "content": "{answer}!"}}, typed="Left\n"
    )
    waiting = encode(Waiting("question", "Which; one?", ("left", "right")))
    assert waiting in left.stdout
    assert left.stdout.endswith(encode(Working()) + b"took Left\n")
    assert (tmp_path / "a/b").read_text() == "Left!"
    assert play(tmp_path, {"ask": ask}, typed="up\nright\n").returncode == 5


def test_an_answer_that_is_no_option_is_asked_for_again_and_not_for_ever(tmp_path: Path) -> None:
    ask = {"question": "Go?", "options": ["yes"]}
    again = play(tmp_path, {"ask": ask}, typed="no\nyes")
    assert again.returncode == 0
    assert b"Please answer one of: yes." in again.stdout
    assert play(tmp_path, {"ask": ask}, typed="no\n" * 200).returncode == 1
    ended = play(tmp_path, {"ask": ask})
    assert (ended.returncode, ended.stderr) == (1, b"no answer came that is an option\n")


def test_a_question_that_an_answer_makes_too_long_fails_in_words(tmp_path: Path) -> None:
    asks = [{"ask": {"question": "Which?"}}, {"ask": {"question": "Is it {answer}?"}}]
    ran = play(tmp_path, *asks, {"say": "never"}, typed=f"{'x' * 5000}\nyes\n")
    assert (ran.returncode, ran.stderr) == (1, b"An announcement is at most 4096 bytes.\n")
    assert b"never" not in ran.stdout


def test_it_goes_by_what_is_there_and_waits_for_what_is_not(tmp_path: Path) -> None:
    when = {"exists": "mark", "then": [{"exit": 4}], "otherwise": [{"write": "mark"}]}
    assert play(tmp_path, {"when": when}).returncode == 0
    assert play(tmp_path, {"until": "mark"}, {"when": when}).returncode == 4
    late = play(tmp_path, {"until": {"exists": "never", "at_most": 0.05}})
    assert late.returncode == 1
    assert b"never did not come" in late.stderr


def test_it_appends(tmp_path: Path) -> None:
    step = {"write": {"path": "log", "content": "x", "append": True}}
    play(tmp_path, step, step)
    assert (tmp_path / "log").read_text() == "xx"


def test_it_fails_with_a_message_and_a_code(tmp_path: Path) -> None:
    failed = play(tmp_path, {"fail": {"message": "no room", "code": 9}}, {"say": "never"})
    assert (failed.returncode, failed.stdout, failed.stderr) == (9, b"", b"no room\n")
    (tmp_path / "file").touch()
    odd = play(tmp_path, {"write": "file/below"})
    assert odd.returncode == 1
    assert b"Traceback" not in odd.stderr


@pytest.mark.parametrize("name", ["SEGV", "KILL", "ABRT"])
def test_it_dies_by_a_signal_and_leaves_no_core_file(tmp_path: Path, name: str) -> None:
    assert play(tmp_path, {"crash": name}).returncode == -signal.Signals[f"SIG{name}"]
    assert list(tmp_path.iterdir()) == []


def test_a_stubborn_one_ignores_every_polite_signal(tmp_path: Path) -> None:
    steps = [{"hang": {"seconds": 60, "stubborn": True, "text": "ready"}}]
    with subprocess.Popen(
        [*PLAYER, "--inline", json.dumps({"steps": steps})], cwd=tmp_path, stdout=subprocess.PIPE
    ) as player:
        assert player.stdout is not None
        assert player.stdout.readline() == b"ready\n"
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            player.send_signal(number)
        assert player.poll() is None
        player.kill()
    assert player.returncode == -signal.SIGKILL


@pytest.mark.parametrize("how", ["setsid", "double-fork", "nohup"])
def test_a_process_that_stays_behind_is_what_it_was_asked_to_be(tmp_path: Path, how: str) -> None:
    bare = how == "setsid"
    spawn = {"how": how, "pidfile": "pid", "seconds": 60, "bare": bare}
    assert play(tmp_path, {"spawn": spawn}).returncode == 0
    left = psutil.Process(int((tmp_path / "pid").read_text()))
    try:
        assert ("INSPAN_SESSION" in left.environ()) == (not bare)
        session = os.getsid(left.pid)
        assert (session == left.pid) == (how == "setsid")
        assert (session == os.getsid(0)) == (how == "nohup")
        left.send_signal(signal.SIGHUP)
        left.send_signal(signal.SIGTERM)
        assert left.is_running()
    finally:
        left.kill()


def test_how_it_is_called_wrongly(tmp_path: Path) -> None:
    for arguments, code in (
        ((), 64),
        (("a", "b"), 64),
        (("none.yaml",), 65),
        (("--inline", "["), 65),
    ):
        ran = subprocess.run(
            [*PLAYER, *arguments], cwd=tmp_path, capture_output=True, timeout=20, check=False
        )
        assert (ran.returncode, ran.stdout) == (code, b"")
        assert b"Traceback" not in ran.stderr


def test_files_of_the_working_folder_are_not_imported(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(77)")
    assert play(tmp_path, {"exit": 3}).returncode == 3
