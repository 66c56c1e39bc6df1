"""An agent that has inspan read and write its files: a real daemon, rules, questions, a sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.repository import make_repository
from tests.real.console import Console
from tests.real.daemon import until
from tests.real.filing import Filer, Step
from tests.real.sandbox import needs_sandbox

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("A2", "C9")]

READ, WRITE = "fs/read_text_file", "fs/write_text_file"
#: Whoever may edit, told as the protocol has it.
OPTIONS = [
    {"optionId": "y", "name": "Yes", "kind": "allow_once"},
    {"optionId": "n", "name": "No", "kind": "reject_once"},
]


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console() as console:
        yield console


@pytest.fixture
def filer(console: Console, tmp_path: Path) -> Filer:
    return Filer(console, tmp_path / "work")


def read(path: object, **more: int) -> Step:
    return READ, {"path": str(path), **more}


def write(path: object, text: str) -> Step:
    return WRITE, {"path": str(path), "content": text}


def test_it_reads_what_is_in_its_workspace_and_nothing_else(filer: Filer) -> None:
    (filer.work / "a.txt").write_text("one\ntwo\nthree\n")
    (filer.work / "out").symlink_to("/etc")
    key = filer.console.home / "key"
    key.write_text("secret")
    (filer.work / "key").symlink_to(key)
    told = filer.told(
        read(filer.work / "a.txt"),
        read(filer.work / "a.txt", line=2, limit=1),
        read(filer.work / "none"),
        read("/etc/passwd"),
        read(filer.work / ".." / "key"),
        read(filer.work / "key"),
        read(filer.work / "out" / "passwd"),
        read(filer.work),
    )
    assert told[:2] == [{"content": "one\ntwo\nthree\n"}, {"content": "two\n"}]
    assert told[2].startswith("No such file")
    assert all("outside of the workspace" in answer for answer in told[3:7])
    assert "a folder" in told[7]
    # Nobody was asked, nothing was decided, and it is told that it may.
    events = filer.console.say("show", "last", "--events")
    assert "permission.decided" not in events
    assert "needs_input" not in events
    assert filer.greeting()["fs"] == {"readTextFile": True, "writeTextFile": True}


def test_to_write_it_asks_a_person_and_the_answer_outlives_the_daemon(filer: Filer) -> None:
    path, other = filer.work / "new" / "a.txt", filer.work / "other.txt"
    task = filer.begin(write(path, "made\n"), write(other, "made\n"), read(path))
    filer.asks(task, f"edit: {path}")
    assert not path.exists()
    filer.kill_daemon()
    filer.asks(task, f"edit: {path}")
    filer.console.say("answer", task, "allow")
    until(lambda: filer.shown(task)["needs"]["question"] == f"edit: {other}", "the second")
    filer.console.say("answer", task, "deny")
    filer.console.say("wait", task)
    assert filer.answers() == [{}, "it was not allowed", {"content": "made\n"}]
    assert not other.exists()


def test_rules_decide_without_a_person(filer: Filer) -> None:
    (filer.work / ".env").write_text("KEY=1\n")
    flags = ("--allow", "edit@src", "--deny", "*@**/.env", "--answer-within", "0")
    told = filer.told(
        write(filer.work / "src" / "a.txt", "made\n"),
        write(filer.work / "b.txt", "made\n"),
        read(filer.work / ".env"),
        write(filer.work / ".env", ""),
        write(filer.work / "src" / ".." / "c.txt", "made\n"),
        flags=flags,
    )
    assert told == [{}, *["it was not allowed"] * 4]
    assert (filer.work / "src" / "a.txt").read_text() == "made\n"
    assert (filer.work / ".env").read_text() == "KEY=1\n"
    assert {path.name for path in filer.work.iterdir()} == {"agent", "src", ".env", "heard"}
    events = filer.console.say("show", "last", "--events")
    assert f"allow: edit: {filer.work}/src/a.txt (allow edit@src)" in events
    assert f"deny: read: {filer.work}/.env (deny *@**/.env)" in events


def test_what_it_asked_leave_for_it_is_not_asked_for_twice(filer: Filer) -> None:
    path = filer.work / "a.txt"
    call = {"toolCallId": "t", "kind": "edit", "locations": [{"path": str(path)}]}
    asks = ("session/request_permission", {"options": OPTIONS, "toolCall": call})
    flags = ("--answer-within", "none")
    task = filer.begin(asks, write(path, "1"), write(filer.work / "b.txt", "2"), flags=flags)
    until(lambda: filer.shown(task)["state"] == "waiting", "its question")
    filer.console.say("answer", task, "allow")
    until(
        lambda: (filer.shown(task)["needs"] or {}).get("question") == f"edit: {filer.work}/b.txt",
        "the one that it had no leave for",
    )
    assert path.read_text() == "1"
    filer.console.say("answer", task, "allow")
    filer.console.say("wait", task)
    assert filer.answers()[1:] == [{}, {}]


@needs_sandbox
def test_in_a_sandbox_it_gets_no_more_by_asking_than_it_has(filer: Filer) -> None:
    (filer.work / ".git" / "hooks").mkdir(parents=True)
    (filer.work / "notes").mkdir()
    (filer.work / "notes" / "a.txt").write_text("secret")
    hook = filer.work / ".git" / "hooks" / "pre-commit"
    told = filer.told(
        write(filer.work / "a.txt", "made\n"),
        write(hook, "#!/bin/sh\n"),
        read(filer.work / "notes" / "a.txt"),
        write(filer.work / "notes" / "b.txt", "made\n"),
        flags=("--sandbox", "--hide", str(filer.work / "notes"), "--allow", "*"),
    )
    assert told[0] == {}
    assert "may not be written" in told[1]
    assert "hidden" in told[2]
    assert "may not be written" in told[3]
    assert not hook.exists()
    assert [path.name for path in (filer.work / "notes").iterdir()] == ["a.txt"]


def test_keys_in_a_home_that_is_the_workspace_are_not_read_for_it(filer: Filer) -> None:
    home = filer.work
    (home / ".ssh").mkdir()
    (home / ".ssh" / "id").write_text("secret")
    (home / "way").symlink_to(".ssh/id")
    told = filer.told(
        read(home / ".ssh" / "id"),
        read(home / "way"),
        write(home / ".ssh" / "authorized_keys", "mine"),
        flags=("--env", f"HOME={home}", "--allow", "*"),
    )
    assert all("hidden" in answer for answer in told[:2])
    assert "may not be written" in told[2]


def test_in_a_worktree_its_files_are_those_of_the_worktree(filer: Filer) -> None:
    make_repository(filer.work / "repo")
    flags = ("--cwd", str(filer.work / "repo" / "part"), "--worktree", "--allow", "edit")
    task = filer.begin(
        read("inner"),
        write("../b.txt", "made\n"),
        write("../../out.txt", "mine"),
        read(filer.work / "repo" / "part" / "inner"),
        flags=flags,
    )
    until(lambda: filer.shown(task)["state"] == "completed", "its end")
    where = Path(filer.shown(task)["workspace"]["path"])
    read_it, wrote, *refused = filer.answers(where)
    assert (read_it, wrote) == ({"content": "inner\n"}, {})
    assert all("outside of the workspace" in answer for answer in refused)
    assert (where.parent / "b.txt").read_text() == "made\n"
    assert not (filer.work / "repo" / "b.txt").exists()
