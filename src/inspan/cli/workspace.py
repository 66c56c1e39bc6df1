"""``inspan workspace``: where tasks worked; list, bring back, clear away."""

from __future__ import annotations

import argparse
import time

from inspan.cli import exits, reach
from inspan.cli.parsing import add_json
from inspan.cli.say import clean, json, out, table
from inspan.errors import BadInput
from inspan.model.ids import short
from inspan.model.place import Place, Standing, SweepPolicy, Swept
from inspan.settings.figures import duration, show_duration

HELP = """\
The worktrees and folders in which tasks work, and what was saved of others.
  ls            those there are, and what they are needed for
  restore TASK  bring back a worktree that was removed, with all that was in it
  gc            remove those that nobody needs, such as a crash leaves
Your checkout is not touched. What is not committed is saved before a worktree
goes, but for what git ignores."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("ls", "restore", "gc"))
    parser.add_argument("task", nargs="?", help="whose it was; also of a task that is pruned")
    parser.add_argument(
        "--undecided", action="store_true", help="gc: also of tasks that ended without a verdict"
    )
    parser.add_argument(
        "--folders",
        action="store_true",
        help="gc: also folders that are no worktree, of tasks nobody knows; these are not saved",
    )
    parser.add_argument(
        "--saved-older-than", metavar="TIME", help="gc: let go for good of what was saved before"
    )
    parser.add_argument("--dry-run", "-n", action="store_true", help="gc: only say what would go")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    _refuse_odd(args)
    with reach.control() as control:
        if args.what == "ls":
            _list(control.workspaces(), as_json=args.json)
        elif args.what == "restore":
            _tell_restored(control.restore_workspace(args.task), as_json=args.json)
        else:
            _tell_swept(control.sweep(_policy(args)), args)
    return exits.DONE


def _refuse_odd(args: argparse.Namespace) -> None:
    if (args.what == "restore") != (args.task is not None):
        raise BadInput(
            "only `restore` takes a task, and needs one",
            hint="`inspan workspace ls` lists what can be brought back.",
        )
    flags = args.undecided or args.folders or args.dry_run or args.saved_older_than
    if flags and args.what != "gc":
        raise BadInput("that flag is for `inspan workspace gc`")


def _policy(args: argparse.Namespace) -> SweepPolicy:
    older = args.saved_older_than
    return SweepPolicy(
        undecided=args.undecided,
        folders=args.folders,
        saved_older_than=None if older is None else duration(older),
        dry_run=args.dry_run,
    )


def _list(places: tuple[Place, ...], *, as_json: bool) -> None:
    if as_json:
        json(places)
        return
    rows = [
        (short(place.task), place.standing, clean(place.branch or "-"), clean(_where(place)))
        for place in places
    ]
    table(("TASK", "IS", "BRANCH", "WHERE"), rows)


def _where(place: Place) -> str:
    if place.standing is not Standing.REMOVED:
        return place.path
    when = place.saved_at
    age = "" if when is None else f" {show_duration(int(time.time() - when))} ago"
    return f"saved{age} in {place.repository}"


def _tell_restored(place: Place, *, as_json: bool) -> None:
    if as_json:
        json(place)
        return
    out(f"brought back {short(place.task)}: {clean(place.path)}")
    out("what was not committed lies there as changes that are not staged; it stays saved too")


def _tell_swept(swept: tuple[Swept, ...], args: argparse.Namespace) -> None:
    if args.json:
        json({"swept": swept, "dry_run": args.dry_run})
        return
    for one in swept:
        _tell_one(one, dry=args.dry_run)
    gone = sum(one.stays is None for one in swept)
    out(
        f"{'would remove' if args.dry_run else 'removed'} {gone} of {len(swept)}"
        if swept
        else "nothing is left over"
    )


def _tell_one(one: Swept, *, dry: bool) -> None:
    what = f"{short(one.place.task)}  {clean(one.place.path)}"
    if one.stays is not None:
        out(f"{what}: stays, {clean(one.stays)}")
    elif one.place.standing is Standing.REMOVED:
        out(f"{what}: what was saved {'would go' if dry else 'is gone'}")
    elif one.saved is not None:
        out(f"{what}: saved; inspan workspace restore {short(one.place.task)}")
    else:
        out(what)
