"""The other verbs, as a person or a script uses them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.real.console import Console
from tests.real.daemon import alive, until

pytestmark = pytest.mark.timeout(60)

EVIL = "\x1b]52;c;aGk=\x07\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe\r\x1b[5n"
ASK = """\
steps:
  - say: working
  - ask: Overwrite the file?
"""


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console() as console:
        yield console


def _add(console: Console, *words: str) -> str:
    return console.say("add", *words)


def _task(console: Console, ref: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(console.say("show", ref, "--json"))
    return told


def _printed(console: Console, ref: str, wanted: str) -> None:
    until(lambda: wanted in console.run("logs", ref).stdout.decode(), f"{wanted!r} in the log")


def test_a_task_is_found_by_short_ids_and_last(console: Console) -> None:
    task = _add(console, "--name", "found", "--", "true")
    for ref in (task, task[-6:], task[:24], "last"):
        assert _task(console, ref)["id"] == task
    missing = console.run("show", "zzzzzz")
    assert missing.returncode == 2
    assert b"hint: `inspan ls --all`" in missing.stderr


def test_wait_says_by_its_status_what_became_of_it(console: Console) -> None:
    good = _add(console, "--", "true")
    bad = _add(console, "--", "false")
    long = _add(console, "--", "sleep", "60")
    assert console.run("wait", good).returncode == 0
    assert console.run("wait", bad).returncode == 1
    assert console.run("wait", good, bad).returncode == 1
    assert console.run("wait", long, "--timeout", "0").returncode == 3
    assert console.run("wait", long, "--timeout", "200ms").returncode == 4
    assert console.run("wait", long, good, "--any").returncode == 0
    assert console.run("wait", "zzzzzz").returncode == 2
    waiting = console.start("wait", long)
    console.say("interrupt", long)
    assert waiting.wait(30) == 130
    waiting.communicate()
    assert console.run("wait", long).returncode == 130


def test_wait_tells_what_can_be_done_about_a_failure(console: Console) -> None:
    bad = _add(console, "--folder", "--setup", "exit 3", "--", "true")
    waited = console.run("wait", bad)
    assert waited.returncode == 1
    assert b"the set-up command `exit 3` exited with status 3" in waited.stdout
    assert f"  hint: `inspan logs {bad[-6:]} --setup`".encode() in waited.stderr


def test_ctrl_c_ends_the_waiting_and_not_the_task(console: Console) -> None:
    task = _add(console, "--", "sleep", "60")
    with console.start("events", "--follow") as waiting:
        assert waiting.stdout is not None
        waiting.stdout.read(10)
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait(30) == 130
        assert waiting.stderr is not None
        assert waiting.stderr.read() == b""
    assert _task(console, task)["state"] == "running"
    console.say("cancel", task)


def test_interrupt_resume_cancel(console: Console) -> None:
    task = _add(console, "--", "sh", "-c", "echo begun; exec sleep 60")
    _printed(console, task, "begun")
    pid = _task(console, task)["pid"]
    told = console.say("interrupt", task, "--reason", "enough").splitlines()
    assert told == [f"{task[-6:]} interrupted: enough", f"  inspan resume {task[-6:]}"]
    assert not alive(pid)
    assert "enough" in console.say("show", task)
    assert console.say("resume", task).split()[1] in ("queued", "running")
    until(lambda: _task(console, task)["attempt"] == 2, "the second attempt")
    assert "cancelled" in console.say("cancel", task)
    again = console.run("resume", task)
    assert again.returncode == 2
    assert f"{task[-6:]} is cancelled".encode() in again.stderr
    assert f"hint: `inspan again {task[-6:]}`".encode() in again.stderr


def test_what_failed_is_done_once_more_as_a_new_task(console: Console, tmp_path: Path) -> None:
    script = f"test -e {tmp_path / 'there'} && echo $WORD"
    first = _add(console, "--name", "once more", "--env", "WORD=same", "--", "sh", "-c", script)
    assert console.run("wait", first).returncode == 1
    assert f"inspan again {first[-6:]}" in console.say("show", first)
    (tmp_path / "there").touch()
    told = json.loads(console.say("again", first, "--json"))
    assert told["id"] != first
    assert told["spec"]["name"] == "once more"
    assert console.run("wait", told["id"]).returncode == 0
    assert console.say("logs", told["id"]).split() == ["same"]
    assert _task(console, first)["state"] == "failed"
    third, watch = console.say("again", first).splitlines()
    assert watch == f"  inspan logs -f {third.split()[0]}"
    assert console.run("again", "zzzzzz").returncode == 2


def test_what_never_began_is_done_again_without_what_it_waited_for(console: Console) -> None:
    bad = _add(console, "--", "false")
    waits = _add(console, "--after", bad, "--", "echo", "begun")
    assert console.run("wait", waits).returncode == 1
    told = json.loads(console.say("again", waits, "--json"))
    assert console.run("wait", told["id"]).returncode == 0


def test_one_refusal_among_many_does_not_spare_the_others(console: Console) -> None:
    one, other = _add(console, "--", "sleep", "60"), _add(console, "--", "sleep", "60")
    ran = console.run("cancel", one, "zzzzzz", other)
    assert ran.returncode == 2
    assert ran.stdout.decode().count("cancelled") == 2


def test_send_types_into_a_terminal_and_into_a_pipe(console: Console) -> None:
    for flag in ("--pty", "--no-pty"):
        task = _add(console, flag, "--", "sh", "-c", "read -r a; read -r b; echo got:$a:$b")
        until(lambda: _task(console, task)["pid"], "a process")  # noqa: B023
        console.say("send", task, "one", "two")
        console.say("send", task, "--no-enter", "thr")
        console.say("send", task, "ee")
        assert console.run("wait", task).returncode == 0
        assert "got:one two:three" in console.say("logs", task)


def test_an_agent_that_asks_is_answered(console: Console) -> None:
    script = console.home / "ask.yaml"
    script.write_text(ASK)
    task = _add(console, "--provider", "scripted", "--prompt", str(script))
    assert console.run("wait", task).returncode == 5
    assert "Overwrite the file?" in console.say("ls")
    assert "Overwrite the file?" in console.say("show", task)
    console.say("answer", task, "yes")
    assert console.run("wait", task).returncode == 0
    late = console.run("answer", task, "yes")
    assert late.returncode == 2


def test_logs_follow_to_the_end_and_raw_is_exact(console: Console) -> None:
    line = r"printf 'a\033]0;t\007b\r\n'; sleep 0.3; printf '\033[1mend'; printf 'e\377' >&2"
    task = _add(console, "--no-pty", "--", "sh", "-c", line)
    followed = console.run("logs", "--follow", "--raw", task)
    assert followed.stdout == b"a\x1b]0;t\x07b\r\n\x1b[1mende\xff"
    assert console.run("logs", "--raw", task).stdout == followed.stdout
    assert console.run("logs", "--raw", "--stderr", task).stdout == b"e\xff"
    assert console.run("logs", "--raw", "--stdout", task).stdout == b"a\x1b]0;t\x07b\r\n\x1b[1mend"
    assert console.say("logs", task).replace("\ufffd", "?") == "ab\nende?"


@pytest.mark.requirement("B6")
def test_nothing_that_a_task_is_called_or_prints_steers_the_terminal(console: Console) -> None:
    task = _add(
        console,
        "--name",
        EVIL,
        "--label",
        f"k={EVIL}",
        "--",
        "sh",
        "-c",
        f"printf '{EVIL}'; exit 3",
    )
    console.run("wait", task)
    for words in (
        ("ls",),
        ("show", task),
        ("logs", task),
        ("events", task),
        ("wait", task),
        ("show", task, "--json"),
        ("ls", "--json"),
        ("show", EVIL),
        (EVIL,),
        ("run", "--cwd", EVIL, "--", "true"),
    ):
        ran = console.run(*words)
        for character in (ran.stdout + ran.stderr).decode():
            assert character in "\n—…`" or character.isprintable(), (words, character)
            assert character not in "\u202e\x9b", words


def test_attach_types_leaves_by_its_key_and_restores_the_terminal(console: Console) -> None:
    task = _add(console, "--pty", "--", "sh", "-c", "echo hello; read -r x; echo got:$x; exec cat")
    _printed(console, task, "hello")
    with console.terminal("attach", task) as screen:
        screen.until(b"hello")
        screen.press(b"abc\r")
        screen.until(b"got:abc")
        screen.press(b"x\x1c")
        assert screen.finish() == 0
        assert b"left" in screen.output
        assert screen.settings() == screen.before
    assert _task(console, task)["state"] == "running"
    with console.terminal("attach", task) as one:
        one.until(b"got:abc")
        with console.terminal("attach", task) as other:
            other.until(b"hint:")
            assert other.finish() == 2
            assert b"--steal" in other.output
        with console.terminal("attach", "--steal", task) as thief:
            thief.until(b"got:abc")
            with console.terminal("attach", "--read-only", task) as reader:
                thief.press(b"stolen\r")
                reader.until(b"stolen")
                reader.press(b"ignored\x1c")
                assert reader.finish() == 0
            console.say("cancel", task)
            assert thief.finish() == 0
        assert one.finish() == 0
    assert "ignored" not in console.say("logs", task)


def test_ls_lists_what_is_asked_for(console: Console) -> None:
    task = _add(console, "--name", "odd", "--role", "special", "--", "false")
    console.run("wait", task)
    listed = json.loads(console.say("ls", "--role", "special", "--json"))
    assert [item["id"] for item in listed["tasks"]] == [task]
    assert (
        json.loads(console.say("ls", "--role", "special", "--state", "running", "--json"))["tasks"]
        == []
    )
    assert len(json.loads(console.say("ls", "--limit", "3", "--json"))["tasks"]) == 3
    everything = json.loads(console.say("ls", "--all", "--json"))
    assert sum(everything["counts"].values()) == len(everything["tasks"])


def test_what_waits_for_another_starts_after_it(console: Console) -> None:
    first = _add(console, "--name", "first", "--", "sh", "-c", "sleep 0.2")
    after = _add(console, "--after", first, "--", "true")
    by_name = _add(console, "--after", "first", "--", "true")
    assert console.run("wait", first, after, by_name).returncode == 0
    assert _task(console, after)["started_at"] >= _task(console, first)["ended_at"]
    assert _task(console, by_name)["spec"]["after"] == [first]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not here")
def test_a_worktree_is_compared_and_accepted(console: Console) -> None:
    repository = console.home / "repo"
    env = {**console.env, "GIT_CONFIG_NOSYSTEM": "1"}
    for words in (
        ("init", "-q", "-b", "main", str(repository)),
        (
            "-C",
            str(repository),
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.org",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "first",
        ),
    ):
        subprocess.run(["git", *words], env=env, check=True, timeout=30)
    line = "echo hi >new.txt"
    task = _add(console, "--worktree", "--review", "--cwd", str(repository), "--", "sh", "-c", line)
    until(lambda: _task(console, task)["state"] == "processing", "the review")
    assert "+hi" in console.say("diff", task)
    assert not (repository / "new.txt").exists()
    assert console.run("send-back", task).returncode == 2
    waited = console.run("wait", task)
    assert (waited.returncode, waited.stdout.split()[1:]) == (
        5,
        [b"processing:", b"waits", b"for", b"a", b"verdict"],
    )
    told = console.say("accept", task).splitlines()
    assert _task(console, task)["state"] == "succeeded"
    branch = _task(console, task)["workspace"]["branch"]
    assert told[1:] == [f"  git merge {branch}"]
    shown = subprocess.run(
        ["git", "-C", str(repository), "show", f"{branch}:new.txt"],
        env=env,
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert shown.stdout == b"hi\n"
    line += "; echo '*.log' >.gitignore; echo x >a.log"
    two = [
        _add(console, "--worktree", "--cwd", str(repository), "--", "sh", "-c", line) for _ in "12"
    ]
    assert console.run("wait", *two).returncode == 0
    other = two[0]
    *_, saved, lost = console.say("reject", other).splitlines()
    assert lost.startswith("1 files or folders that git ignores went with its worktree")
    would = console.say("prune", "--older-than", "0s", "--dry-run").splitlines()
    assert would[1].startswith("and, from worktrees, 1 files or folders that git ignores")
    ref = saved.split()[-1]
    command = ["git", "-C", str(repository), "show", f"{ref}:new.txt"]
    kept = subprocess.run(command, env=env, capture_output=True, check=True, timeout=30)
    assert kept.stdout == b"hi\n"


def test_a_recording_is_exported(console: Console, tmp_path: Path) -> None:
    task = _add(console, "--pty", "--", "sh", "-c", "echo film")
    console.run("wait", task)
    lines = console.say("export", task).splitlines()
    assert json.loads(lines[0])["version"] == 3
    assert any("film" in line for line in lines[1:])
    target = tmp_path / "x.cast"
    console.say("export", task, str(target))
    assert target.read_text().splitlines() == lines
    console.say("export", task, "-o", str(tmp_path / "y.cast"))
    assert (tmp_path / "y.cast").read_text().splitlines() == lines
    assert console.run("export", task, str(target)).returncode == 2


def test_what_was_printed_is_searched(console: Console) -> None:
    first = _add(console, "--", "sh", "-c", "echo one; printf '\\033[31mNee\\033[mdle 1\\n'")
    console.run("wait", first)
    second = _add(console, "--", "sh", "-c", "echo needle 2; echo needle 3")
    console.run("wait", second)
    lines = console.say("search", "needle").splitlines()
    assert [line[-8:] for line in lines] == ["needle 2", "needle 3", "Needle 1"]
    assert f"{first[-6:]}-1 Needle 1" in lines[2]
    assert len(console.say("search", "needle", second, "--limit", "1").splitlines()) == 1
    told = json.loads(console.say("search", "Needle", "--case", "--json"))
    assert (told["line"], told["before"]) == ("Needle 1", "one")
    assert console.run("search", "nowhere").returncode == 1


def test_status_tells_who_runs_and_prune_what_would_go(console: Console) -> None:
    console.say("up")
    told = json.loads(console.say("status", "--json"))
    assert alive(told["daemon"]["pid"])
    assert alive(told["keeper"]["pid"])
    assert told["state_dir"] == str(console.home)
    assert stat.S_IMODE(Path(told["socket"]).stat().st_mode) == 0o600
    assert "running" in console.say("status")
    before = json.loads(console.say("ls", "--all", "--json"))["counts"]
    would = json.loads(console.say("prune", "--older-than", "0", "--dry-run", "--json"))
    assert would["tasks"] > 0
    assert json.loads(console.say("ls", "--all", "--json"))["counts"] == before


def test_doctor_finds_nothing_that_keeps_inspan_from_working(console: Console) -> None:
    findings = json.loads(console.say("doctor", "--json"))
    assert {finding["level"] for finding in findings} <= {"ok", "warn"}
    database = next(finding for finding in findings if finding["name"] == "database")
    assert "the next start" not in database["message"]
    assert len(console.say("doctor").splitlines()) >= len(findings)


def test_a_restart_keeps_what_runs_and_down_stops_it_all() -> None:
    with Console() as console:
        task = _add(console, "--", "sleep", "60")
        until(lambda: _task(console, task)["pid"], "a process")
        pid, daemon = _task(console, task)["pid"], json.loads(console.say("status", "--json"))
        console.say("up", "--restart")
        now = json.loads(console.say("status", "--json"))
        assert now["daemon"]["pid"] != daemon["daemon"]["pid"]
        assert now["keeper"]["pid"] == daemon["keeper"]["pid"]
        assert _task(console, task)["pid"] == pid
        busy = console.run("db", "verify")
        assert busy.returncode == 1
        assert str(now["daemon"]["pid"]).encode() in busy.stderr
        held = console.run("down", "--keeper")
        assert held.returncode == 2
        assert console.say("down") == "the daemon has stopped; 1 program runs on"
        assert alive(pid)
        assert console.run("status").returncode == 1
        assert console.say("db", "verify").startswith("sound")
        console.say("db", "backup", str(console.home / "copy.db"))
        assert console.run("db", "downgrade", "99").returncode == 2
        console.say("down", "--keeper", "--force")
        until(lambda: not alive(pid), "the task's process to end")
        until(lambda: _task(console, task)["state"] == "interrupted", "the recovery")


@pytest.mark.parametrize("words", [("down",), ("down", "--keeper", "--force")])
def test_who_watches_starts_no_daemon_that_was_told_to_stop(words: tuple[str, ...]) -> None:
    with Console() as console:
        (console.home / "tasks.yaml").write_text('tasks: [{run: "sleep 60"}]')
        ran = console.start("run", "--", "sh", "-c", "echo ready; exec sleep 60")
        assert ran.stdout is not None
        assert ran.stdout.readline() == b"ready\n"
        task = str(json.loads(console.say("ls", "--json"))["tasks"][0]["id"])
        watching = [
            ran,
            console.start("run", "tasks.yaml"),
            *(console.start(*verb, task) for verb in (["wait"], ["logs", "-f"])),
            console.start("events", "--follow"),
        ]
        until(lambda: json.loads(console.say("status", "--json"))["sessions"] == 2, "both to run")
        console.say(*words)
        for process in watching:
            _, said = process.communicate(timeout=30)
            # With the keeper the tasks end first, and some have seen it.
            assert words[1:] or b"the daemon was stopped" in said, (process.args, said)
        assert console.run("status").returncode == 1


def test_who_watches_goes_on_after_a_restart_and_after_a_crash() -> None:
    with Console() as console:
        ran = console.start("run", "--", "sh", "-c", "echo ready; read -r x <fifo; exit 7")
        os.mkfifo(console.home / "fifo")
        assert ran.stdout is not None
        assert ran.stdout.readline() == b"ready\n"
        console.say("up", "--restart")
        os.kill(json.loads(console.say("status", "--json"))["daemon"]["pid"], signal.SIGKILL)
        until(lambda: console.run("status").returncode == 0, "the next daemon, which `run` starts")
        (console.home / "fifo").write_text("go\n")
        ran.communicate(timeout=30)
        assert ran.returncode == 7


def test_settings_that_are_wrong_are_told_with_their_line() -> None:
    with Console("roles:\n  worker: none\n") as console:
        ran = console.run("add", "--", "true")
        assert ran.returncode == 1
        assert b"config.yaml:2" in ran.stderr
        assert len(ran.stderr.splitlines()) == 2


def test_tasks_of_another_program_are_taken_over_and_nothing_is_dropped(console: Console) -> None:
    lines = [
        {"id": 1, "status": "success", "command": "make"},
        {"id": 2, "status": "in_progress", "command": "sleep 1"},
        {"id": 3, "status": "todo", "command": "true", "depends_on": [1]},
        {"id": 4, "status": "\x1b[2Jodd", "colour": "red"},
    ]
    source = console.home / "old.jsonl"
    source.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    running = _add(console, "--", "sleep", "60")
    until(lambda: _task(console, running)["pid"], "a process")
    pid = _task(console, running)["pid"]
    before = sum(json.loads(console.say("ls", "--all", "--json"))["counts"].values())
    assert "would import 4 tasks" in console.say("import", str(source), "--dry-run")
    told = console.run("import", str(source), "--hold")
    assert told.returncode == 0
    assert b"state success \xe2\x86\x92 " in told.stdout
    assert b"is not known: 1 imported as interrupted" in told.stdout
    assert b"\x1b" not in told.stdout
    after = json.loads(console.say("ls", "--all", "--json"))["counts"]
    assert sum(after.values()) == before + len(lines)
    assert _task(console, running)["pid"] == pid
    console.say("cancel", running)
    assert console.run("import", str(console.home / "none.csv")).returncode == 2


@pytest.mark.parametrize("damage", ["newer", "garbage"])
def test_a_database_that_cannot_be_used_is_told_and_left_alone(damage: str) -> None:
    with Console() as console:
        console.say("add", "--", "true")
        console.say("wait", "last")
        console.say("down", "--keeper", "--force")
        database = console.home / "inspan.db"
        if damage == "newer":
            with closing(sqlite3.connect(database)) as link:
                link.execute("PRAGMA user_version = 99")
        else:
            database.write_bytes(b"no database at all" * 1000)
        before = database.read_bytes()
        for words, status in ((("ls",), 1), (("run", "--", "true"), 125), (("db", "verify"), 1)):
            ran = console.run(*words)
            told = (ran.stdout + ran.stderr).decode().splitlines()
            assert ran.returncode == status, (words, told)
            assert len(told) == 2
            assert told[1].startswith("  hint: ")
        assert console.run("doctor").returncode == 1
        assert database.read_bytes() == before
