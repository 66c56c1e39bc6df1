"""What the three verdicts have alike: a task, findings, and who says so."""

from __future__ import annotations

import argparse
import getpass
from pathlib import Path
from typing import TYPE_CHECKING

from inspan.cli import exits, reach
from inspan.cli.parsing import add_json, add_task
from inspan.cli.say import clean, json, out
from inspan.errors import BadInput, InspanError
from inspan.model.event import WorkspaceSaved
from inspan.model.ids import short
from inspan.model.task import Task, Verdict, WorkspaceKind
from inspan.telling import phrases

if TYPE_CHECKING:
    from inspan.cli.reach import Reached


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of a verdict."""
    add_task(parser)
    parser.add_argument(
        "--finding", "-m", action="append", default=[], metavar="TEXT", help="what was found"
    )
    parser.add_argument("--by", metavar="NAME", help="who decides (default: you)")
    add_json(parser)


def decide(args: argparse.Namespace, verdict: Verdict) -> int:
    """Tell the verdict."""
    if verdict is Verdict.SEND_BACK and not args.finding:
        raise BadInput(
            "nobody can mend what is not named", hint="Say what is wrong with --finding TEXT."
        )
    with reach.control() as control:
        asked = control.get(args.task)
        task = control.decide(asked.id, verdict, args.finding, by=args.by or _me())
        lost = 0 if verdict is Verdict.SEND_BACK else _lost(control, task)
    if args.json:
        json(task)
    else:
        _say(asked, task, verdict)
        if lost:
            out(f"{lost} files or folders that git ignores went with its worktree; none is kept")
    return exits.DONE


def _lost(control: Reached, task: Task) -> int:
    """How much of the worktree was kept nowhere."""
    from inspan.control import EventQuery

    last = control.history(EventQuery(task=task.id, since=max(0, task.seq - 1)))
    return sum(event.fact.ignored for event in last if isinstance(event.fact, WorkspaceSaved))


def _say(asked: Task, task: Task, verdict: Verdict) -> None:
    """What became of the result, and what can be done with it."""
    what = f"{phrases.title(asked.spec)} ({short(asked.id)})"
    branch = asked.workspace.branch if asked.workspace is not None else None
    if verdict is Verdict.ACCEPT:
        copied = asked.spec.workspace is WorkspaceKind.COPY
        on = f": it is on branch {clean(branch)}" if branch and not copied else ""
        out(f"accepted {what}{on}")
        if copied:
            out(f"  inspan diff {short(asked.id)} | git apply   # in the folder; it is as it was")
        elif branch:
            out(f"  git merge {clean(branch)}")
    elif verdict is Verdict.SEND_BACK:
        again = "is done again" if task.id == asked.id else f"is done again as {short(task.id)}"
        out(f"sent back {what}: it {again}")
    else:
        out(f"rejected {what}")
        saved = _saved(asked) if branch else None
        if saved:
            out("its work is kept, and comes back with")
            out(f"  git branch NAME {saved}")


def _saved(task: Task) -> str | None:
    """The ref that its work was saved under; ``None`` where it had done none."""
    import anyio

    from inspan.git.repository import tip
    from inspan.git.run import Git
    from inspan.workspaces.saving import saved_ref

    ref = saved_ref(task.id)
    try:
        return ref if anyio.run(tip, Git(Path(task.spec.cwd)), ref) else None
    except InspanError:
        return None


def _me() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "person"
