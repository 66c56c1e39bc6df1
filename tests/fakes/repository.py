"""A user's repository, with work in every state that must stay as it is."""

import hashlib
import os
import subprocess
from pathlib import Path

from inspan.model.ids import ulid
from inspan.model.task import Task, TaskSpec, TaskState, WorkspaceKind


def git(folder: Path, *arguments: str) -> str:
    """Plain git, as a user runs it."""
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A User",
        "GIT_AUTHOR_EMAIL": "user@example.org",
        "GIT_COMMITTER_NAME": "A User",
        "GIT_COMMITTER_EMAIL": "user@example.org",
    }
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def contents(folder: Path) -> dict[str, str]:
    """Every file of a checkout with what is its own in the repository, by digest."""
    own = ("HEAD", "index", "config", "info", "hooks", "refs/heads/main", "refs/stash", "logs/HEAD")
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        inside = name.startswith(".git/")
        if path.is_file() and (not inside or name[5:].startswith(own)):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def make_repository(top: Path) -> Path:
    """One commit, then something staged, changed, untracked, ignored and stashed."""
    (top / "part").mkdir(parents=True)
    git(top, "init", "--quiet", "--initial-branch=main")
    (top / "file").write_text("one\n")
    (top / "part" / "inner").write_text("inner\n")
    (top / ".gitignore").write_text("ignored\n")
    (top / "task.json").write_text('{"of": "the repository"}\n')
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "-m", "first")
    (top / "file").write_text("stashed\n")
    git(top, "stash", "--quiet")
    (top / "staged").write_text("staged\n")
    git(top, "add", "staged")
    (top / "file").write_text("changed\n")
    (top / "untracked").write_text("untracked\n")
    (top / "ignored").write_text("ignored\n")
    return top


def task_in(cwd: Path, number: int = 1, **spec: object) -> Task:
    wanted: dict[str, object] = {"workspace": WorkspaceKind.WORKTREE, "cwd": str(cwd)} | spec
    return Task(
        id=ulid(1_700_000_000.0 + number, number.to_bytes(10, "big")),
        spec=TaskSpec(**wanted),  # type: ignore[arg-type]
        state=TaskState.RUNNING,
        attempt=1,
    )
