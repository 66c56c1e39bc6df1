"""What the verbs refuse, and what they say when the daemon fails them again and again."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from inspan.client.sync import SyncControl
from inspan.errors import DaemonUnreachable
from inspan.settings import locate
from tests.fakes.repository import make_repository
from tests.real.console import Console
from tests.real.daemon import until

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("B5")]


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console() as console:
        yield console


@pytest.fixture(scope="module")
def tasks(console: Console) -> dict[str, str]:
    """One that has ended, one that runs, and one that waits for that."""
    (console.home / "file.yaml").write_text("tasks: [{run: 'true'}]")
    (console.home / "nul.json").write_text('[{"run": "true", "name": "a\\u0000b"}]')
    with (console.home / "large.yaml").open("wb") as large:
        large.truncate((16 << 20) + 1)
    ended = console.say("run", "--json", "--", "true")
    runs = console.say("add", "--", "sleep", "60")
    waits = console.say("add", "--after", runs, "--", "true")
    return {"ended": json.loads(ended)["id"], "runs": runs, "waits": waits}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("export {waits}", "nothing is recorded"),
        ("export {ended} --attempt 9", "no recording of"),
        ("export {ended} file.yaml", "exists already"),
        ("export {ended} . --force", ". is a folder"),
        ("export {ended} nowhere/file", "cannot write nowhere/file"),
        ("export {ended} --attempt 0", "attempts are counted from 1"),
        ("import .", ". is not a file"),
        ("run --key= -- true", "an empty key"),
        ("py --session lab --write= -c 1", "an empty path"),
        ("logs {ended} --attempt 0", "attempts are counted from 1"),
        ("run file.yaml more", "'more' after a task file means nothing"),
        ("run nul.json", "holds a NUL"),
        ("run large.yaml", "too large for a task file"),
        ("send {runs} --no-enter", "required"),
        ("send {ended} more", "hint: `inspan show {ended}` tells the state and why."),
        ("answer {ended} allow", "it asks nothing"),
        ("answer {runs} allow", "hint: `inspan send {runs} TEXT` hands it a line, or a prompt."),
        ("run --agent claude --allow Bash(ls) x", "no tool has a name with brackets"),
        ("run --agent claude --deny Bash(git:*) x", "hint: A command stands behind a colon"),
        ("run --agent claude --budget 0 x", "hint: `none` is no budget."),
        ("run --agent Claude x", "Did you mean `claude`?"),
        ("run --agent nosuch x", "hint: `inspan agents` lists the agents"),
        ("run --agent aider --budget 9k x", "tells only at its end how many tokens it uses"),
        ("up --foreground --json", "prints no JSON"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    console: Console, tasks: dict[str, str], words: str, said: str
) -> None:
    ran = console.run(*words.format(**tasks).split())
    # 125 says that the command of a `run` was not reached.
    assert ran.returncode in (2, 125), ran
    assert said.format(**tasks) in (ran.stdout + ran.stderr).decode()


def test_nothing_is_not_typed(console: Console, tasks: dict[str, str]) -> None:
    ran = console.run("send", tasks["runs"], "", "--no-enter")
    assert (ran.returncode, b"nothing to type" in ran.stderr) == (2, True)


def test_logs_of_an_attempt_that_was_not_say_so(console: Console, tasks: dict[str, str]) -> None:
    ran = console.run("logs", tasks["ended"], "--attempt", "9")
    said = f"nothing of attempt 9 of {tasks['ended'][-6:]} is recorded"
    assert (ran.returncode, said in ran.stderr.decode()) == (0, True)


def test_a_verdict_stands_where_the_folder_that_was_worked_from_is_gone(console: Console) -> None:
    repository = make_repository(console.home / "repository")
    inside = repository / "inside"
    inside.mkdir()
    words = ("--worktree", "--cwd", str(inside), "--", "sh", "-c", "echo x >new")
    task = json.loads(console.say("run", "--json", *words))["id"]
    inside.rmdir()
    assert console.say("reject", task).startswith("rejected")


def test_attach_says_why_not_and_leaves_at_sigterm(console: Console, tasks: dict[str, str]) -> None:
    with console.terminal("attach", tasks["ended"]) as screen:
        assert screen.finish() == 2
        assert b"nothing to attach to" in screen.output
    task = console.say("add", "--pty", "--", "sh", "-c", "echo begun; exec sleep 60")
    with console.terminal("attach", task) as screen:
        screen.until(b"begun")
        screen.process.send_signal(signal.SIGTERM)
        assert screen.finish() == 130
        assert screen.settings() == screen.before


def test_doctor_goes_on_where_one_look_fails() -> None:
    with Console("roles: wrong\n") as console:
        ran = console.run("doctor", "--json")
        levels = {finding["name"]: finding["level"] for finding in json.loads(ran.stdout)}
        assert (ran.returncode, levels["settings"], levels["python"]) == (1, "fail", "ok")


def test_the_database_is_left_alone_where_the_words_are_wrong() -> None:
    with Console() as console:
        console.say("run", "--json", "--", "true")
        console.say("down")
        before = (console.home / "inspan.db").read_bytes()
        for words in ("downgrade", "downgrade x", "backup config.yaml", "verify more", "upgrade x"):
            ran = console.run("db", *words.split())
            assert (ran.returncode, b"hint: " in ran.stderr) == (2, True), ran
        assert (console.home / "inspan.db").read_bytes() == before


def test_a_daemon_that_dies_again_and_again_is_given_up() -> None:
    with Console() as console:
        (console.home / "file.yaml").write_text("tasks: [{run: 'sleep 600'}]")
        task = console.say("add", "--pty", "--", "sleep", "600")
        verbs = ("wait", task), ("logs", "-f", task), ("events", "-f"), ("run", "file.yaml")
        until(lambda: json.loads(console.say("show", "--json", task))["pid"], "a process")
        watching = [console.start(*words) for words in verbs]
        over = threading.Event()
        killer = threading.Thread(target=_kill_each, args=(console, over))
        with console.terminal("attach", task) as screen:
            killer.start()
            try:
                for process in watching:
                    _, said = process.communicate(timeout=60)
                    assert process.returncode in (1, 125), said
                    assert b"hint: " in said
                assert screen.finish() == 1
            finally:
                over.set()
                killer.join()


def _kill_each(console: Console, over: threading.Event) -> None:
    """Kill whichever daemon has come, until it is over."""
    socket = locate(console.env).daemon_socket
    while not over.wait(0.2):
        with suppress(DaemonUnreachable, ProcessLookupError), SyncControl(socket) as control:
            os.kill(control.health().daemon.pid, signal.SIGKILL)
