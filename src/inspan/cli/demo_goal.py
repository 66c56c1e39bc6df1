"""``inspan demo goal``: a goal from words to merged work, with agents that need no account.

Repository, commits, tests, worktrees, reviews, the conflict and the death of the daemon are real;
only what the agents think is written down before (``demo_goal_material``). It keeps its state in a
folder of its own, which it removes.
"""

from __future__ import annotations

import argparse
import json as plain
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from inspan.cli import demo_goal_material as material
from inspan.cli import exits, reach
from inspan.cli.demo_stage import Stage, own_home, whole
from inspan.cli.following import Follower
from inspan.cli.goalread import Watched
from inspan.cli.parsing import add_json
from inspan.cli.say import json, out, styled, terminal_width
from inspan.errors import DaemonUnreachable, GitFailed, InspanError, ProgramNotFound
from inspan.model.ids import short
from inspan.model.pursuit import StepState
from inspan.model.task import TaskState
from inspan.settings.figures import show_duration
from inspan.telling import goallog, goals

if TYPE_CHECKING:
    from inspan.cli.reach import Reached
    from inspan.model.task import Task

HELP = """\
A goal from words to merged work, in a small repository that is removed afterwards; no account is
needed, since what the agents answer is written down before. All else is real: a plan, three steps
at once in worktrees of their own, a reviewer that runs the tests and rejects one, a conflict that
is resolved, and in the middle the daemon is killed with SIGKILL. Exit status 1: not as expected."""
#: Seconds after which the demo gives up, and how long a step takes that somebody should see.
_PATIENCE: Final = 150.0
_TAKES: Final = 1.0
_LOOK: Final = 0.1
#: So many steps are at work when the daemon is killed.
_BUSY: Final = 2
_WORKERS: Final = ("ada", "ben")
_ROLES: Final = {"pat": "planner", "reviewer": "reviewer", **dict.fromkeys(_WORKERS, "worker")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keep", action="store_true", help="leave the folder where it is")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    began = time.monotonic()
    with own_home(keep=args.keep) as folder:
        place = prepare(folder)
        with whole():
            control = reach.connect()
        with closing(control):
            play = _Play(control, _goal(control, place), quiet=args.json)
            if not args.json:
                _open(place)
            try:
                play.run()
            except BaseException:
                _give_up(play.watched.story.goal)
                raise
        good = _close(play, place, time.monotonic() - began, args)
    return exits.DONE if good else exits.FAILED


def _give_up(goal: Task) -> None:
    """The Queen starts a daemon where there is none: she has to go before it does."""
    with suppress(InspanError), closing(reach.connect()) as control:
        control.cancel(goal.id, force=True)


# ── the stage ─────────────────────────────────────────────────────────────────


def prepare(folder: Path) -> Path:
    """The repository, the agents, and their settings. Raises ProgramNotFound, GitFailed."""
    place, agents, state = folder / "shop", folder / "agents", folder / "state"
    for name, text in material.FILES.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    for each in (agents, state):
        each.mkdir(mode=0o700, exist_ok=True)
    (agents / "agent.py").write_text(material.AGENT, "utf-8")
    script = {"plan": material.PLAN, "edits": material.EDITS, "takes": _TAKES}
    (agents / "script.json").write_text(plain.dumps(script), "utf-8")
    told = {
        name: {"argv": [sys.executable, str(agents / "agent.py"), role], "mode": "stream"}
        for name, role in _ROLES.items()
    }
    settings = {"roles": {"default": 4, "worker": 3}, "providers": told}
    (state / "config.yaml").write_text(plain.dumps(settings), "utf-8")  # JSON is YAML, too
    _git(place, "init", "--quiet", "--template=", "--initial-branch=main")
    _git(place, "add", "--all")
    who = ("-c", "user.name=The owner", "-c", "user.email=owner@example.org")
    _git(place, *who, "commit", "--quiet", "-m", "A basket, and what it has to do one day")
    return place


def _goal(control: Reached, place: Path) -> Task:
    """Handed in as ``inspan goal`` does it."""
    from inspan.cli.goal import spec_of
    from inspan.cli.main import parser_of

    parser, _ = parser_of("goal")
    return control.submit(spec_of(parser.parse_args(words(place)), reach.settings(), None))


def words(place: Path) -> list[str]:
    """What is said to ``inspan goal``."""
    agents = [word for name in _WORKERS for word in ("--agent", name)]
    check = shlex.join([sys.executable, "-B", "-m", "unittest", "discover", "-q"])
    how = ["--planner", "pat", "--reviewer", "reviewer", "--yes", "--check", check]
    return [material.GOAL, *agents, *how, "--cwd", str(place)]


def _git(place: Path, *words: str) -> str:
    """The user's own git settings (hooks, signing) have no say in a repository of ours."""
    git = shutil.which("git")
    if git is None:
        raise ProgramNotFound("The demo works in a git repository, and git is not installed.")
    env = {"PATH": os.environ.get("PATH", os.defpath), "GIT_CONFIG_NOSYSTEM": "1"}
    ran = subprocess.run(
        [git, "-C", str(place), *words],
        env={**env, "HOME": str(place.parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if ran.returncode:
        raise GitFailed(f"git could not make the demo's repository: {ran.stderr.strip()[-200:]}")
    return ran.stdout


def _open(place: Path) -> None:
    files = len(material.FILES)
    out(styled(f'$ inspan goal "{material.GOAL}"', "bold"))
    out(styled(f"  in {place}, {files} files, one commit; scripted agents, no account", "dim"))


# ── the play ──────────────────────────────────────────────────────────────────


class _Play:
    """The goal as it goes, told line by line; and what is done to its daemon."""

    def __init__(self, control: Reached, goal: Task, *, quiet: bool) -> None:
        self.stage = Stage(control, _PATIENCE, quiet=quiet)
        self.watched = Watched(control, goal)
        self._told: set[str] = set()
        #: The most steps that were at work at once.
        self.abreast = 0

    def run(self) -> None:
        """Until the goal is over. Raises Unable when that takes too long."""
        while True:
            try:
                with Follower(self.stage.control, self.watched.story.since) as follower:
                    if self._follow(follower):
                        return
            except DaemonUnreachable:
                self.stage.rejoin()
                self.watched.reached(self.stage.control)
                self.stage.say("a new daemon has taken over; nobody at work noticed", "green")

    def _follow(self, follower: Follower) -> bool:
        story = self.watched.story
        while True:
            for event in self.watched.events():
                for text in goallog.sentences(story, event):
                    self.stage.say(text, _style(text))
            self.watched.listen()
            for end in story.ends.values():
                if end.step not in self._told:
                    self._told.add(end.step)
                    self.stage.say(goallog.ending(end), "red" if end.why else "green")
            if story.goal.done or story.goal.state is TaskState.INTERRUPTED:
                return True
            self.stage.check()
            self._perhaps_kill()
            follower.next(_LOOK)

    def _perhaps_kill(self) -> None:
        steps = self.watched.story.pursuit.steps
        busy = sum(one.state is StepState.WORKING for one in steps)
        self.abreast = max(self.abreast, busy)
        at_work = sum(task.pid is not None for task in self.watched.story.tasks.values())
        if len(self.stage.daemons) == 1 and busy >= _BUSY and at_work > _BUSY:
            self.stage.kill(at_work)


def _style(text: str) -> str:
    """What a person should not miss."""
    if text.startswith("sends ") or "does not go together" in text or " fail" in text:
        return "yellow"
    return "dim" if text.startswith("the checks pass") else ""


# ── the end ───────────────────────────────────────────────────────────────────


def _close(play: _Play, place: Path, took: float, args: argparse.Namespace) -> bool:
    """What came of it, and where to look; true where all was as expected."""
    branch = f"inspan/goal-{short(play.watched.story.goal.id)}"
    ran, passed = _tests(place, branch)
    troubles = [*_troubles(play, place), *([] if passed else [f"the merged tests fail: {ran}"])]
    if args.json:
        json(
            {
                "goal": play.watched.story.goal,
                "steps": play.watched.story.pursuit.steps,
                "daemons": play.stage.daemons,
                "adopted": play.stage.adopted,
                "abreast": play.abreast,
                "tests": ran,
                "troubles": troubles,
                "seconds": round(took, 2),
            }
        )
        return not troubles
    out()
    for text, style in goals.picture(play.watched.story, time.time(), width=terminal_width()):
        out(styled(text, style))
    out()
    out(styled(f"$ git log --graph --oneline {branch}", "bold"))
    out(_git(place, "log", "--graph", "--oneline", branch).rstrip())
    out(styled("$ python -m unittest; python acceptance.py    # on the merged branch", "bold"))
    out(ran)
    verdict = "all as expected" if not troubles else "; ".join(troubles)
    out()
    out(styled(f"{show_duration(took)}: {verdict}", "bold"))
    _where(play.watched.story.goal, keep=args.keep)
    return not troubles


def _where(goal: Task, *, keep: bool) -> None:
    if keep:
        name = short(goal.id)
        out(f"Look at it: inspan goal show {name} | log {name} | graph {name} --svg, inspan tui.")
    else:
        out("To look at it afterwards: inspan demo goal --keep.")
    out('Your own: inspan agents, then in a git repository: inspan goal "…" --check "…".')


def _troubles(play: _Play, place: Path) -> list[str]:
    """What is not as it was expected."""
    story = play.watched.story
    tasks = story.tasks.values()
    phases = [task.spec.labels.get("phase") for task in tasks]
    rejected = [
        task for task in tasks if task.spec.labels.get("phase") == "apply" and task.attempt > 1
    ]
    found = {
        f"the goal is {story.goal.state}": story.goal.state is TaskState.COMPLETED,
        "the daemon was not killed": len(play.stage.daemons) > 1,
        "no steps were at work side by side": play.abreast >= _BUSY,
        "no result was rejected once": [task.attempt for task in rejected] == [2],
        "no conflict was resolved": "resolve" in phases,
        "the owner's branch was touched": _git(place, "rev-list", "--count", "main") == "1\n",
        "the owner's files were touched": not _git(place, "status", "--porcelain"),
    }
    return [text for text, holds in found.items() if not holds]


def _tests(place: Path, branch: str) -> tuple[str, bool]:
    """The tests of what was merged, in a worktree of their own: what they say, and whether well."""
    merged = place.parent / "merged"
    _git(place, "worktree", "add", "--quiet", "--detach", str(merged), branch)
    told, good = [], True
    for words in (["-m", "unittest", "discover"], ["acceptance.py"]):
        ran = subprocess.run(
            [sys.executable, "-B", *words],
            cwd=merged,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        count = re.search(r"^Ran (\d+) tests?", ran.stderr, re.MULTILINE)
        good = good and ran.returncode == 0 and count is not None and "skipped" not in ran.stderr
        told.append(f"{count[0] if count else 'no tests'}: {ran.stderr.strip().splitlines()[-1]}")
    return "; ".join(told), good
