"""The work of the demo: real programs in a folder of their own, and what is expected of each.

It makes folders, a git repository and TaskSpecs; it submits nothing and draws nothing.
"""

from __future__ import annotations

import os
import random
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from inspan.cli.demo_material import FILES
from inspan.errors import GitFailed, ProgramNotFound
from inspan.model.task import Patience, TaskSpec, TaskState

_PATIENCE: Final = Patience(deadline=60.0, grace=2.0)
_COMMITS: Final = 160
_FILE_BYTES: Final = 1 << 15


class Action(StrEnum):
    """What a person has to do to a task of the demo."""

    NOTHING = "nothing"
    ANSWER = "answer"  #: answer its question, once it waits
    INTERRUPT_RESUME = "interrupt and resume"  #: once ``ready`` is there


@dataclass(frozen=True, slots=True)
class Proof:
    """A file that the work leaves behind, and what must be in it."""

    path: Path
    contains: str

    @property
    def holds(self) -> bool:
        """True where the file is there and has the text in it."""
        try:
            return self.contains in self.path.read_text("utf-8", "replace")
        except OSError:
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoTask:
    """A task, what to do to it, and how it must end."""

    spec: TaskSpec
    expect: TaskState
    shows: str
    exit_code: int = 0
    action: Action = Action.NOTHING
    answer: str = ""
    #: Where it is there, enough is done that an interruption loses something.
    ready: Path | None = None
    proof: Proof | None = None


def demo_specs(folder: Path, env: Mapping[str, str]) -> list[DemoTask]:
    """Make the materials in ``folder`` and the tasks that work on them, to be submitted together.

    No role is asked for more than twice at once, so that the default slots let the first six run
    side by side; the seventh waits for the clone. Raises ProgramNotFound without git, GitFailed.
    """
    folder = folder.resolve()
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    _repository(folder / "origin", env)
    return list(_tasks(folder, dict(env)))


def _tasks(folder: Path, env: dict[str, str]) -> Iterator[DemoTask]:
    python = sys.executable
    yield DemoTask(
        spec=_shell(folder / "project", env, "tests", "builder", python, "-m", "unittest", "-v"),
        expect=TaskState.COMPLETED,
        shows="a test run",
    )
    archive = folder / "build/dist/limiter.pyz"
    yield DemoTask(
        spec=_shell(
            folder / "build",
            env,
            "build",
            "builder",
            python,
            "build.py",
            checks=(shlex.join([python, str(archive), "3", "20"]),),
        ),
        expect=TaskState.SUCCEEDED,
        shows="a build, verified by running what it built",
    )
    yield from _git_tasks(folder, env)
    agent = folder / "agent"
    yield DemoTask(
        spec=TaskSpec(
            provider="scripted",
            prompt=str(agent / "question.yaml"),
            cwd=str(agent),
            name="release",
            role="agent",
            env=env,
            patience=_PATIENCE,
        ),
        expect=TaskState.COMPLETED,
        shows="an agent that asks, and goes on as it is told",
        action=Action.ANSWER,
        answer="step by step",
        proof=Proof(agent / "release.txt", "released, step by step"),
    )
    yield DemoTask(
        spec=_shell(folder / "deploy", env, "deploy", "agent", python, "deploy.py"),
        expect=TaskState.FAILED,
        exit_code=3,
        shows="a program that fails and says why",
    )
    survey = folder / "survey"
    yield DemoTask(
        spec=_shell(survey, env, "survey", "worker", python, "survey.py"),
        expect=TaskState.COMPLETED,
        shows="stopped half-way, and resumed where it was",
        action=Action.INTERRUPT_RESUME,
        ready=survey / "progress.json",
        proof=Proof(survey / "total.txt", "lines in"),
    )


def _git_tasks(folder: Path, env: dict[str, str]) -> Iterator[DemoTask]:
    origin, copy = folder / "origin", folder / "copy"
    check = shlex.join(["git", "-C", str(copy), "fsck", "--strict", "--no-progress"])
    clone = ("git", "clone", "--progress", origin.as_uri(), str(copy))
    yield DemoTask(
        spec=_shell(folder, env, "clone", "git", *clone, checks=(check,)),
        expect=TaskState.SUCCEEDED,
        shows="a git clone, verified by fsck",
        proof=Proof(copy / ".git/HEAD", "refs/heads/main"),
    )
    # The clone is the third of the submission, counted from 0.
    log = ("git", "-C", str(copy), "--no-pager", "log", "--oneline", "-5")
    yield DemoTask(
        spec=_shell(folder, env, "history", "git", *log, after=("@2",)),
        expect=TaskState.COMPLETED,
        shows="a task that waits for the clone",
    )


def _shell(
    cwd: Path,
    env: dict[str, str],
    name: str,
    role: str,
    *command: str,
    checks: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
) -> TaskSpec:
    return TaskSpec(
        command=command,
        cwd=str(cwd),
        name=name,
        role=role,
        env=env,
        patience=_PATIENCE,
        checks=checks,
        after=after,
    )


# ── a repository that is worth cloning ───────────────────────────────────────


def _repository(path: Path, env: Mapping[str, str]) -> None:
    git = shutil.which("git", path=env.get("PATH"))
    if git is None:
        raise ProgramNotFound("The demo clones a git repository, and git is not installed.")
    # The user's own git settings (hooks, signing) have no say in a repository of ours.
    own = {"PATH": env.get("PATH", os.defpath), "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(path)}
    _git(own, git, "init", "--quiet", "--template=", "--initial-branch=main", str(path))
    _git(own, git, "-C", str(path), "fast-import", "--quiet", stdin=_history())


def _history() -> bytes:
    """A stream for git fast-import: commits that each bring a file which does not compress."""
    chance = random.Random(20)  # noqa: S311 - the same repository each time, and no secret
    stream = bytearray()
    for number in range(1, _COMMITS + 1):
        message = f"Measurement {number}".encode()
        data = chance.randbytes(_FILE_BYTES)
        stream += b"commit refs/heads/main\n"
        stream += b"committer Demo <demo@example.org> %d +0000\n" % (1_700_000_000 + number * 3600)
        stream += b"data %d\n%s\n" % (len(message), message)
        stream += b"M 100644 inline data/%03d.bin\n" % number
        stream += b"data %d\n%s\n" % (len(data), data)
    return bytes(stream)


def _git(env: Mapping[str, str], *command: str, stdin: bytes = b"") -> None:
    ran = subprocess.run(
        command, input=stdin, env=env, capture_output=True, timeout=60, check=False
    )
    if ran.returncode:
        reason = ran.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise GitFailed(f"git could not make the demo's repository: {reason}")
