"""``inspan run -- CMD`` is as if CMD had been run by itself."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.real.console import Console, Screen

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("A11", "B3", "B5")]

#: Colours, cursor moves, a wide character, bytes that are no UTF-8, and a reading of the size.
SHOW = r"""stty size
printf '\033[31mred\033[0m\r\n\tone\033[2K\342\234\223\377\n'; ls -C /usr; tty -s"""


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console() as console:
        yield console


@pytest.mark.parametrize(
    ("line", "status"),
    [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -9 $$", 137), ("kill -15 $$", 143)],
)
def test_the_exit_status_is_the_commands_own(console: Console, line: str, status: int) -> None:
    ran = console.run("run", "--", "sh", "-c", line)
    assert (ran.returncode, ran.stdout, ran.stderr) == (status, b"", b"")


def test_in_a_pipe_output_and_errors_are_apart_and_unchanged(console: Console) -> None:
    line = r"printf 'out\0\377\r\n'; printf 'err\033[1m' >&2; exit 3"
    ran = console.run("run", "--", "sh", "-c", line)
    assert (ran.returncode, ran.stdout, ran.stderr) == (3, b"out\0\xff\r\n", b"err\x1b[1m")


def test_standard_input_goes_to_the_command_to_its_last_byte(console: Console) -> None:
    data = os.urandom(3_000_001)
    ran = console.run("run", "--", "cat", given=data)
    assert ran.returncode == 0
    assert ran.stdout == data


def test_a_large_output_comes_whole(console: Console) -> None:
    ran = console.run("run", "--", "seq", "400000")
    assert ran.stdout == b"".join(b"%d\n" % number for number in range(1, 400001))


def test_the_environment_is_the_callers_but_for_what_is_withheld(console: Console) -> None:
    env = {"API_TOKEN": "s3cret", "LC_TIME": "C", "MINE": "m"}
    ran = console.run("run", "--env", "MINE", "--env", "SET=1 2", "--", "env", env=env)
    lines = set(ran.stdout.decode().splitlines())
    assert {"LC_TIME=C", "MINE=m", "SET=1 2", f"HOME={console.home}"} <= lines
    assert b"s3cret" not in ran.stdout
    assert "API_TOKEN" in console.say("show", "last")


@pytest.mark.skipif(shutil.which("script") is None, reason="util-linux is not here")
@pytest.mark.parametrize("line", [SHOW, "seq 3000", "exit 5"])
def test_on_a_terminal_the_bytes_are_those_of_script(console: Console, line: str) -> None:
    quoted = shlex.join(["sh", "-c", line])
    plain = Screen(["script", "-qec", quoted, "/dev/null"], console.env, console.home)
    with plain, console.terminal("run", "--", "sh", "-c", line) as ours:
        assert (ours.finish(), ours.output) == (plain.finish(), plain.output)


def test_ctrl_c_interrupts_the_command_and_leaves_the_terminal_as_it_was(console: Console) -> None:
    line = "trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.1; done"
    with console.terminal("run", "--", "sh", "-c", line) as screen:
        screen.until(b"ready")
        screen.press(b"\x03")
        assert screen.finish() == 9
        assert b"caught" in screen.output
        assert screen.settings() == screen.before


def test_the_terminals_new_size_reaches_the_command(console: Console) -> None:
    line = "trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.1; done"
    with console.terminal("run", "--", "sh", "-c", line) as screen:
        screen.until(b"ready")
        screen.resize(60, 20)
        os.kill(screen.process.pid, signal.SIGWINCH)
        assert screen.finish() == 0
        assert b"20 60" in screen.output


def test_keys_are_typed_into_the_command(console: Console) -> None:
    with console.terminal("run", "--", "sh", "-c", "read -r x; echo got:$x") as screen:
        screen.press(b"caf\xc3\xa9\r")
        assert screen.finish() == 0
        assert "got:café".encode() in screen.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_command_line_interrupts_the_task(
    console: Console, number: signal.Signals
) -> None:
    process = console.start("run", "--", "sh", "-c", "echo ready; exec sleep 60")
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"inspan resume" in err
    assert " interrupted" in console.say("ls")


def test_when_nobody_reads_the_task_is_stopped(console: Console) -> None:
    with console.start("run", "--name", "endless", "--", "yes") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(30) == 141
        assert b"Traceback" not in process.stderr.read()
    console.run("wait", "last", "--timeout", "20s")
    assert console.run("ls", "--name", "endless", "--state", "interrupted").stdout.count(b"\n") == 3


@pytest.mark.parametrize("force", [True, False])
def test_a_terminal_can_be_forced_and_refused(console: Console, force: bool) -> None:
    flag = "--pty" if force else "--no-pty"
    ran = console.run("run", flag, "--", "sh", "-c", "test -t 1 && echo terminal || echo pipe")
    assert ran.stdout == (b"terminal\r\n" if force else b"pipe\n")


def test_the_daemon_may_die_meanwhile(console: Console) -> None:
    line = "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.1; done; exit 4"
    process = console.start("run", "--", "sh", "-c", line)
    assert process.stdout is not None
    assert process.stdout.readline() == b"1\n"
    daemon = json.loads(console.say("status", "--json"))["daemon"]["pid"]
    os.kill(daemon, signal.SIGKILL)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (4, b"2\n3\n4\n5\n6\n7\n8\n", b"")


def test_a_failed_check_makes_it_fail_and_is_told(console: Console) -> None:
    ran = console.run("run", "--check", "test -e /no/such", "--", "true")
    assert ran.returncode == 1
    assert b"/no/such" in ran.stderr
    assert console.run("run", "--check", "true", "--", "true").returncode == 0


def test_a_deadline_that_was_asked_for_is_kept_and_told(console: Console) -> None:
    began = time.monotonic()
    ran = console.run("run", "--timeout", "300ms", "--", "sleep", "60")
    assert ran.returncode >= 128
    assert ran.stderr.startswith(b"inspan: ")
    assert time.monotonic() - began < 30


def test_retries_are_followed(console: Console) -> None:
    line = "echo try; test -e second || { touch second; exit 3; }"
    ran = console.run("run", "--retries", "1", "--", "sh", "-c", line)
    assert ran.returncode == 0
    assert ran.stdout == b"try\ntry\n"


def test_here_needs_no_daemon() -> None:
    with Console() as console:
        ran = console.run("run", "--here", "--", "sh", "-c", "cat; exit 6", given=b"typed")
        assert (ran.returncode, ran.stdout) == (6, b"typed")
        assert '"daemon": null' in console.run("status", "--json").stdout.decode()
        with console.terminal("run", "--here", "--", "stty", "size") as screen:
            assert (screen.finish(), screen.output) == (0, b"31 97\r\n")
        console.say("up")
        beside = console.run("run", "--here", "--", "true")
        assert beside.returncode == 125
        assert b"leave --here out" in beside.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--", "no-such-program"), "not found"),
        (("--cwd", "/no/such/folder", "--", "true"), "does not exist"),
        (("--after", "zzzzzz", "--", "true"), "zzzzzz"),
        (("--provider", "nobody", "--", "true"), "nobody"),
    ],
)
def test_where_inspan_itself_fails_the_status_is_125(
    console: Console, words: tuple[str, ...], said: str
) -> None:
    ran = console.run("run", *words)
    assert ran.returncode == 125
    assert ran.stdout == b""
    told = ran.stderr.decode().splitlines()
    assert told[0].startswith("inspan: ")
    assert said in told[0]
    assert told[1].startswith("  hint: ")


def test_a_key_makes_no_second_task(console: Console) -> None:
    first = console.say("run", "--detach", "--key", "k1", "--", "true")
    assert console.say("run", "--detach", "--key", "k1", "--", "true") == first


def test_as_json_the_task_is_told_in_the_end(console: Console) -> None:
    ran = console.run("run", "--json", "--", "sh", "-c", "exit 3")
    told = json.loads(ran.stdout)
    assert (told["state"], told["exit"]["code"], ran.returncode) == ("failed", 3, 3)


def test_a_file_of_tasks_is_run_and_told(console: Console) -> None:
    (console.home / "t.yaml").write_text(
        "tasks:\n  a: 'true'\n  b: {run: exit 3, after: a}\n  c: {run: 'true', after: b}\n"
    )
    ran = console.run("run", "t.yaml")
    assert ran.returncode == 1
    closing = ran.stdout.decode().splitlines()[-4:]
    assert [line.split()[1] for line in closing[:3]] == ["completed", "failed", "cancelled"]
    assert "1 completed" in closing[3]
    (console.home / "bad.yaml").write_text("- run: a\n  after: b\n")
    bad = console.run("run", "bad.yaml")
    assert bad.returncode == 2
    assert b"bad.yaml:2" in bad.stderr


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_on_a_terminal_a_file_of_tasks_is_shown_as_it_goes(console: Console, term: str) -> None:
    (console.home / "v.yaml").write_text(
        "tasks:\n  one: sleep 0.3\n  two: {run: exit 3, after: one}\n"
    )
    console.env["TERM"] = term
    with console.terminal("run", "v.yaml") as screen:
        assert screen.finish() == 1
        assert b"2 tasks in" in screen.output
        assert (b"\x1b[?25l" in screen.output) is (term == "xterm")
        assert (b"\x1b" in screen.output) is (term == "xterm")
    console.env["TERM"] = "xterm"


def test_ctrl_c_interrupts_every_task_of_a_file(console: Console) -> None:
    (console.home / "w.yaml").write_text("- echo up; exec sleep 60\n- exec sleep 60\n")
    with console.start("run", "w.yaml") as process:
        assert process.stdout is not None
        seen = b""
        while seen.count(b"running") < 2:
            seen += process.stdout.read(1 << 12)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
        assert process.returncode == 130
        assert b"2 interrupted" in out
        assert out.count(b"inspan resume") == 2


def test_a_full_role_makes_it_wait_and_says_so() -> None:
    with Console("roles: {worker: 1}\n") as console:
        console.say("add", "--", "sleep", "60")
        process = console.start("run", "--", "echo", "now")
        assert process.stderr is not None
        assert b"slots are taken" in process.stderr.readline()
        console.say("cancel", console.say("ls", "--state", "running", "--json").split('"')[5])
        out, _ = process.communicate(timeout=30)
        assert (out, process.returncode) == (b"now\n", 0)


def test_a_pipeline_whose_reader_leaves_is_no_reason_to_complain(console: Console) -> None:
    line = f"{shlex.quote(sys.executable)} -m inspan.cli.main run -- seq 100000 | head -1"
    ran = subprocess.run(
        ["sh", "-c", line], env=console.env, capture_output=True, timeout=60, check=False
    )
    assert ran.stdout == b"1\n"
    assert b"Traceback" not in ran.stderr
