"""``inspan merge``: bring a goal's branch, or a task's, onto a person's own."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from inspan.cli import exits, reach
from inspan.cli.parsing import add_json, add_task
from inspan.cli.say import clean, failure, json, out
from inspan.errors import BadInput, Conflict
from inspan.model.ids import short
from inspan.model.merging import MergeRequest, MergeResult
from inspan.model.task import GOOD, Task, TaskKind, TaskSpec, Verdict, WorkspaceKind

if TYPE_CHECKING:
    from inspan.cli.reach import Reached

HELP = """\
Bring the branch of a goal, or of a task whose result is accepted, onto a branch of yours: the one
that it began on, or --into. It is never forced. Files that git cannot join are told, and nothing is
changed then. Where your branch is checked out, your files come along, unless you have changed one
that it changes; else no file of yours is touched."""
#: So many files are told by name.
_FILES_MOST: Final = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_task(parser)
    add = parser.add_argument
    add("--into", metavar="BRANCH", help="your branch (default: the one that it began on)")
    add(
        "--check",
        action="append",
        default=[],
        metavar="CMD",
        help="has to pass on what it gives, before your branch moves",
    )
    add("--dry-run", "-n", action="store_true", help="only say what would come of it")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    if not all(check.strip() for check in args.check):
        raise BadInput("an empty check checks nothing", hint="Name a command, or leave it out.")
    with reach.control() as control:
        task = control.get(args.task)
        result = control.merge(task.id, MergeRequest(into=args.into, dry_run=True))
        error = _hindrance(result)
        changes = error is None and result.commit != result.before
        if changes and args.check:
            error = _check(control, task, result, args.check)
        if changes and error is None and not args.dry_run:
            made = result.commit if args.check else None
            result = control.merge(task.id, MergeRequest(into=args.into, made=made))
            error = _hindrance(result)
    if error is not None:
        if args.json and (result.conflicts or result.hindrance):
            json(result)
            return exits.FAILED
        return failure(error, code=exits.FAILED, as_json=args.json)
    if args.json:
        json(result)
    else:
        _tell(result, short(task.id))
    return exits.DONE


def _hindrance(result: MergeResult) -> Conflict | None:
    if result.conflicts:
        return Conflict(
            f"{result.branch} and {result.into} differ in {_named(result.conflicts)}:"
            " nothing was changed",
            hint=f"`git merge {result.branch}` lets you join them by hand.",
        )
    if result.hindrance is None:
        return None
    return Conflict(f"{result.into} stays as it is: {result.hindrance}", hint=result.hint)


def _check(control: Reached, task: Task, result: MergeResult, checks: list[str]) -> Conflict | None:
    """Run them on what it gives, in a worktree of its own; what to say where one fails."""
    spec = TaskSpec(
        kind=TaskKind.WORK,
        provider="shell",
        role="check",
        name=f"check the merge of {short(task.id)}",
        command=("true",),
        cwd=task.spec.cwd,
        env=task.spec.env,
        withheld=task.spec.withheld,
        sandbox=task.spec.sandbox,
        workspace=WorkspaceKind.WORKTREE,
        base=result.commit,
        checks=tuple(checks),
    )
    checking = control.submit(spec)
    try:
        ended = control.wait(checking.id)
    except KeyboardInterrupt:
        control.cancel(checking.id, reason="nobody waits for the merge any more")
        raise
    if ended.state in GOOD:
        control.decide(ended.id, Verdict.REJECT)  # its worktree is of no use any more
        return None
    why = ended.reason.message if ended.reason is not None else str(ended.state)
    return Conflict(
        f"{result.into} stays as it is: {why}",
        hint=f"`inspan show {short(ended.id)}` tells more, and where its worktree is;"
        f" `inspan reject {short(ended.id)}` removes that.",
    )


def _tell(result: MergeResult, name: str) -> None:
    branch, into = clean(result.branch), clean(result.into)
    if result.commit == result.before:
        out(f"{into} has all of {branch} already")
        return
    done = "merged" if result.moved else "would merge"
    out(f"{done} {branch} onto {into}: {result.commit[:12]}, {_many(result.changed)}")
    for file in result.files[:_FILES_MOST]:
        out(f"  {clean(file)}")
    if result.changed > _FILES_MOST:
        out(f"  and {result.changed - _FILES_MOST} more")
    if result.checkout is not None and result.moved:
        out(f"the files in {clean(result.checkout)} came along")
    elif not result.moved:
        out(f"  inspan merge {name} --into {into}")


def _many(files: int) -> str:
    return f"{files} file{'' if files == 1 else 's'}"


def _named(files: tuple[str, ...]) -> str:
    more = len(files) - _FILES_MOST
    told = ", ".join(files[:_FILES_MOST])
    return f"{told}, and {more} more" if more > 0 else told
