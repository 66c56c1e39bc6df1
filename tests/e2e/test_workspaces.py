"""Fifty worktrees of one repository, deaths in the middle, and what is left of it afterwards."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from inspan.client.sync import SyncControl
from inspan.errors import Unable
from inspan.model.place import Standing, SweepPolicy
from inspan.model.task import OnCrash, Task, TaskSpec, TaskState, Verdict, WorkspaceKind
from tests.fakes.repository import git, make_repository
from tests.real.daemon import Daemon, alive, until

pytestmark = [pytest.mark.timeout(300), pytest.mark.requirement("A2")]

MANY = 50
#: Uncommitted work in names that need care; half of them commit some of it before.
WORK = """
mkdir -p "a folder ä"; echo "$1 works" >"a folder ä/its file"; echo "$1 changed" >>file
case $1 in *[02468]) git add -A; git -c user.name=a -c user.email=b commit -qm "$1";; esac
echo "$1 more" >>file; echo "$1" >>"$2"; until [ -e "$3" ]; do sleep 0.1; done
"""


def everything(folder: Path) -> dict[str, str]:
    """All that is the user's, by digest: every file but those that a worktree of ours adds."""
    ours: tuple[str, ...] = (".git/worktrees", ".git/objects", ".git/refs/inspan")
    # Git writes an empty list of packed refs whenever it deletes one; refs are compared as such.
    ours += (".git/refs/heads/inspan", ".git/logs/refs/heads/inspan", ".git/logs/refs/inspan")
    ours += (".git/packed-refs",)
    refs = git(folder, "for-each-ref").splitlines()
    found = {"refs": "\n".join(ref for ref in refs if "/inspan/" not in ref)}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file() and not name.startswith(ours):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def users(folder: Path) -> Path:
    """A repository as somebody works in it, with a submodule that has changes of its own."""
    origin = make_repository(folder / "origin of a part")
    top = make_repository(folder / "my répo 私 'quoted'")
    allowed = ("-c", "protocol.file.allow=always")
    git(top, "stash", "--quiet", "--include-untracked")
    git(top, *allowed, "submodule", "add", "--quiet", str(origin), "a part")
    git(top, "commit", "--quiet", "-m", "a part")
    git(top, "stash", "pop", "--quiet", "--index")
    (top / "a part" / "file").write_text("changed in the part\n")
    (top / "ünversioned name").write_text("mine\n")
    (top / "link").symlink_to("a part/file")
    return top


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with Daemon(f"roles: {{default: {MANY}}}\n") as running:
        yield running


def specs(daemon: Daemon, repository: Path) -> list[TaskSpec]:
    made = []
    for number in range(MANY):
        marks = (str(daemon.home / "begun"), str(daemon.home / "over"))
        command = ("sh", "-c", WORK, "sh", f"agent-{number}", *marks)
        plain = daemon.spec(*command, workspace=WorkspaceKind.WORKTREE, on_crash=OnCrash.RETRY)
        fields = {name: getattr(plain, name) for name in TaskSpec.__dataclass_fields__}
        made.append(TaskSpec(**{**fields, "cwd": str(repository), "name": f"agent-{number}"}))
    return made


def begun(daemon: Daemon) -> int:
    path = daemon.home / "begun"
    return len(set(path.read_text().split())) if path.exists() else 0


def die_together(daemon: Daemon) -> None:
    """kill -9 of all of inspan, as where the power goes."""
    keeper = daemon.keeper_pid()
    daemon.kill()
    assert keeper is not None
    os.kill(keeper, signal.SIGKILL)
    until(lambda: not alive(keeper), "the keeper to be gone")


def work_of(control: SyncControl, task: Task, number: int) -> None:
    """All that the agent did is in its diff, wherever that is kept by now."""
    patch = control.diff(task.id)
    assert f"+agent-{number} works" in patch
    assert f"+agent-{number} changed" in patch
    assert f"+agent-{number} more" in patch


def test_fifty_worktrees_and_deaths_leave_all_of_the_users_as_it_was(
    daemon: Daemon, tmp_path: Path
) -> None:
    repository = users(tmp_path)
    before, stash = everything(repository), git(repository, "stash", "list")
    with daemon.control() as control:
        tasks = control.submit_all(specs(daemon, repository))
    # In the middle of making them, then in the middle of the work, then of judging it.
    until(lambda: begun(daemon) >= 3, "the first to work")
    daemon.kill()
    daemon.start()
    until(lambda: begun(daemon) >= MANY // 2, "half of them to work")
    die_together(daemon)
    assert everything(repository) == before
    daemon.start()
    until(lambda: begun(daemon) == MANY, "all of them to work", 120)
    (daemon.home / "over").touch()
    with daemon.control() as control:
        ended = [control.wait(task.id, 120) for task in tasks]
        assert {task.state for task in ended} == {TaskState.COMPLETED}
        assert len({task.workspace and task.workspace.path for task in ended}) == MANY
        assert {place.standing for place in control.workspaces()} == {Standing.UNDECIDED}
        firsts = sorted(task.workspace.port or 0 for task in ended if task.workspace)
        assert all(after - before >= 10 for before, after in pairwise(firsts)), firsts
        for number, task in enumerate(tasks):
            work_of(control, task, number)
    assert everything(repository) == before
    _judge_until_it_dies(daemon, tasks[: MANY // 2])
    daemon.start()
    with daemon.control() as control:
        swept = control.sweep(SweepPolicy(undecided=True))
        assert [one.stays for one in swept if one.stays is not None] == []
        assert {place.standing for place in control.workspaces()} <= {Standing.REMOVED}
        for number, task in enumerate(tasks):
            work_of(control, task, number)
    assert everything(repository) == before
    assert git(repository, "stash", "list") == stash
    assert not (repository / ".git" / "worktrees").exists()
    left = [path for path in daemon.places.workspaces.iterdir() if path.name != "saved"]
    assert [path.name for path in left] == ["ports"]
    assert list(left[0].iterdir()) == []
    git(repository, "fsck", "--no-dangling")


def _judge_until_it_dies(daemon: Daemon, tasks: tuple[Task, ...]) -> None:
    judged = threading.Event()

    def judge() -> None:
        with daemon.control() as control:
            for number, task in enumerate(tasks):
                verdict = Verdict.ACCEPT if number % 3 else Verdict.REJECT
                try:
                    control.decide(task.id, verdict)
                except Unable:
                    return  # it died
                if number >= len(tasks) // 3:
                    judged.set()

    thread = threading.Thread(target=judge)
    thread.start()
    assert judged.wait(60)
    daemon.kill()
    thread.join(60)
    assert not thread.is_alive()


def say(daemon: Daemon, *words: str, fails: bool = False) -> str:
    command = [sys.executable, "-m", "inspan.cli.main", *words]
    done = subprocess.run(
        command, check=False, env=daemon.env, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode != 0) == fails, done
    return done.stderr if fails else done.stdout


def test_the_command_lists_brings_back_and_clears_away(daemon: Daemon, tmp_path: Path) -> None:
    repository = users(tmp_path)
    (daemon.home / "over").touch()
    with daemon.control() as control:
        task = control.submit(specs(daemon, repository)[1])
        control.wait(task.id, 60)
    [place] = json.loads(say(daemon, "workspace", "ls", "--json"))
    assert (place["task"], place["standing"]) == (task.id, "undecided")
    assert "nothing is left over" in say(daemon, "workspace", "gc")
    assert "would remove 1 of 1" in say(daemon, "workspace", "gc", "-n", "--undecided")
    assert "saved; inspan workspace restore" in say(daemon, "workspace", "gc", "--undecided")
    assert not Path(place["path"]).exists()
    assert "removed" in say(daemon, "workspace", "ls")
    comments = daemon.home / "reviews" / f"{task.id}.json"
    comments.parent.mkdir()
    comments.write_text("{}")
    say(daemon, "prune", "--older-than", "0s")
    assert not comments.exists()
    told = say(daemon, "workspace", "restore", task.id[-6:])
    assert place["path"] in told
    tree = Path(place["path"])
    assert (tree / "a folder ä" / "its file").read_text() == "agent-1 works\n"
    assert "restored" in say(daemon, "workspace", "ls")
    assert "is there" in say(daemon, "workspace", "restore", task.id, fails=True)
    assert "needs one" in say(daemon, "workspace", "restore", fails=True)
    assert "is for `inspan workspace gc`" in say(daemon, "workspace", "ls", "-n", fails=True)
    assert json.loads(say(daemon, "workspace", "gc", "--json", "--folders"))["swept"] == []
