"""Named sessions on bad days: what dies, what does not listen, what cannot be."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.console import PATIENCE, Console
from tests.real.pysessions import cell, kill_daemon, kill_worker, names, py, read_line, refused

pytestmark = [pytest.mark.timeout(90), pytest.mark.requirement("D1", "D9", "D10")]


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console() as console:
        yield console


def test_code_that_does_not_listen_is_left_or_killed(console: Console) -> None:
    # Code that caught each KeyboardInterrupt would be hit outside its `try`, once in a thousand.
    deaf = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('on')\nwhile 1: pass"
    process = console.start("py", "--session", "deaf", "-c", deaf)
    assert read_line(process) == b"on\n"
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert b"Ctrl-C once more" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert b"inspan: cell 1 runs on" in err
    status, out, _ = py(console, "interrupt", "deaf", "--kill-after", "0s")
    assert (status, out) == (0, "cell 1 lost: its process was killed, and all names are gone\n")
    assert py(console, "--session", "deaf", "-c", "'anew'")[1] == "'anew'\n"
    console.say("py", "close", "deaf")


def test_a_checkpoint_outlives_the_process(console: Console) -> None:
    cell(console, "phoenix", "import threading; numbers = [1, 2]; thread = threading.Thread()")
    status, out, err = py(console, "checkpoint", "phoenix", "first")
    assert (status, out.startswith("first: ")) == (0, True)
    assert err.startswith("inspan: not saved: thread (")
    kill_worker(console, "phoenix")
    said = refused(console, "--session", "phoenix", "-c", "numbers")
    assert "the session phoenix is over: " in said
    assert "`inspan py restore phoenix` begins again from its checkpoint first" in said
    assert "SIGKILL" in console.say("py", "ls", "--all")
    status, out, _ = py(console, "restore", "phoenix")
    assert (status, out) == (0, "first: 2 names, in a new process of phoenix\n")
    assert cell(console, "phoenix", "numbers") == "[1, 2]\n"
    assert "no checkpoint 'second'" in refused(console, "restore", "phoenix", "second")
    kill_worker(console, "phoenix")
    assert py(console, "close", "phoenix") == (0, "phoenix is closed\n", "")
    assert cell(console, "phoenix", "'numbers' in globals()") == "False\n"
    console.say("py", "close", "phoenix")


def test_a_session_that_died_with_nothing_saved_begins_anew_and_says_so(console: Console) -> None:
    cell(console, "mayfly", "gone = 1")
    kill_worker(console, "mayfly")
    assert "has no checkpoint" in refused(console, "restore", "mayfly")
    assert "the session mayfly is over: " in refused(console, "checkpoint", "mayfly")
    status, out, err = py(console, "--session", "mayfly", "-c", "'gone' in globals()")
    assert (status, out) == (0, "False\n")
    assert "the session mayfly is over: " in err
    assert "nothing of it was saved" in err
    console.say("py", "close", "mayfly")


def test_a_process_that_ends_under_a_cell_is_told(console: Console) -> None:
    status, _, err = py(console, "--session", "leaving", "-c", "import os; os._exit(3)")
    assert status == 1
    assert "inspan: the session leaving ended before the cell did: " in err
    assert "hint: It has no checkpoint" in err


def test_a_cell_runs_on_while_the_daemon_is_killed(console: Console, tmp_path: Path) -> None:
    go = tmp_path / "go"
    code = f"""
import itertools, os, time
for n in itertools.count():
    print(n, flush=True)
    if os.path.exists({str(go)!r}): break
    time.sleep(0.01)
n"""
    process = console.start("py", "--read", str(tmp_path), "--session", "steady", "-c", code)
    assert read_line(process) == b"0\n"
    kill_daemon(console)
    console.say("py", "ls")
    go.touch()
    rest, err = process.communicate(timeout=PATIENCE)
    *printed, value = rest.decode().split()
    assert (process.returncode, err.count(b"\n")) == (0, 1)
    assert printed == [str(number) for number in range(1, int(value) + 1)]
    log = console.say("py", "log", "steady").splitlines()
    assert [line for line in log if line.isdigit()] == ["0", *printed, value]
    console.say("py", "close", "steady")


def test_a_cell_runs_on_when_the_daemon_is_told_to_stop(console: Console, tmp_path: Path) -> None:
    go = tmp_path / "go"
    wait = f"while not os.path.exists({str(go)!r}): time.sleep(0.01)"
    code = f"import os, time\nprint('on')\n{wait}\n'the end'"
    process = console.start("py", "--read", str(tmp_path), "--session", "calm", "-c", code)
    assert read_line(process) == b"on\n"
    console.say("down")
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert b"inspan: the daemon was stopped; the cell runs on\n" in err
    assert b"`inspan py log calm`" in err
    go.touch()
    follower = console.start("py", "log", "-f", "calm")
    while (line := read_line(follower)) != b"'the end'\n":
        assert line, "the end of the cell is not told"
    console.say("py", "close", "calm")
    follower.communicate(timeout=PATIENCE)
    assert follower.returncode == 0


def test_flags_are_those_that_the_session_was_opened_with(console: Console, tmp_path: Path) -> None:
    given = ("--write", str(tmp_path), "--memory", "1G", "--session", "granted")
    assert py(console, *given, "-c", f"open({str(tmp_path / 'new')!r}, 'w').write('x')")[1] == "1\n"
    assert py(console, *given, "-c", "2") == (0, "2\n", "")
    assert py(console, "--session", "granted", "-c", "3") == (0, "3\n", "")
    said = refused(console, "--net", "--memory", "2G", "--session", "granted", "-c", "4")
    assert "the session granted is open, and was opened without --net --memory 2G" in said
    status, _, err = py(console, "--session", "granted", "-c", "open('/etc/new', 'w')")
    assert (status, "opening it with `--write /etc` grants it." in err) == (1, True)
    console.say("py", "close", "granted")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("close", "nobody"), "there is no session 'nobody'"),
        (("log", "nobody"), "there is no session 'nobody'"),
        (("checkpoint", "nobody"), "there is no session 'nobody'"),
        (("restore", "nobody"), "there is no session 'nobody'"),
        (("interrupt",), "NAME"),
        (("interrupt", "nobody", "--kill-after", "soon"), "'soon' is not a duration"),
        (("ls", "--al"), "unrecognized"),
        (("--session", "no name", "-c", "1"), "'no name' is no name for a session"),
        (("--session", "", "-c", "1"), "'' is no name for a session"),
        (("--session", "x" * 65, "-c", "1"), "is no name for a session"),
        (("--session", "fresh", "--no-sandbox", "--require-sandbox", "-c", "1"), "exclude"),
        (("--session", "fresh", "--read", "/no/such", "-c", "1"), "/no/such"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    console: Console, words: tuple[str, ...], said: str
) -> None:
    assert said in refused(console, *words)
    assert names(console) == []


def test_closing_twice_is_refused(console: Console) -> None:
    cell(console, "brief", "1")
    console.say("py", "close", "brief")
    assert "the session brief is closed" in refused(console, "close", "brief")
    assert "the session brief is closed" in refused(console, "interrupt", "brief")
