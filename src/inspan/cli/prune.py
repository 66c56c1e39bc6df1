"""``inspan prune``: remove old tasks and recordings, as the settings or the flags allow."""

from __future__ import annotations

import argparse

from inspan.cli import afar, exits, reach
from inspan.cli.parsing import add_json
from inspan.cli.say import json, out
from inspan.control import PrunePolicy
from inspan.errors import BadInput
from inspan.settings import Retention
from inspan.settings.figures import duration, show_duration, show_size, size

HELP = (
    "Remove tasks and code sessions that ended long ago, and the oldest recordings above a size.\n"
    "Nothing open goes. A code session goes with its transcript and its checkpoints, a task\n"
    "with comments on its changes that were not sent.\n"
    "Uncommitted work in their worktrees is saved first, but for what git ignores."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--older-than", metavar="TIME", help="tasks that ended before (14d), or none"
    )
    parser.add_argument("--bytes", metavar="SIZE", help="recordings above (5G), or none")
    parser.add_argument("--dry-run", "-n", action="store_true", help="only say what would go")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    # How much is kept there, the settings there say: here only what the flags ask for counts.
    kept = Retention(older_than=None, bytes=None)
    if afar.address() is None:
        kept = reach.settings().retention
    elif args.older_than is None and args.bytes is None:
        raise BadInput(
            "the settings here are not those of the daemon there",
            hint="Say what goes: --older-than TIME, or --bytes SIZE.",
        )
    older = kept.older_than if args.older_than is None else duration(args.older_than)
    most = kept.bytes
    if args.bytes is not None:
        most = None if args.bytes == "none" else size(args.bytes)
    with reach.control() as control:
        gone = control.prune(PrunePolicy(older_than=older, bytes=most, dry_run=args.dry_run))
    if args.json:
        told = {"tasks": gone.tasks, "sessions": gone.sessions, "bytes": gone.bytes}
        told["ignored"] = gone.ignored
        json(told | {"dry_run": args.dry_run})
        return exits.DONE
    would = "would remove" if args.dry_run else "removed"
    sessions = f", {gone.sessions} code sessions" if gone.sessions else ""
    out(f"{would} {gone.tasks} tasks{sessions} and {show_size(gone.bytes)} of recordings")
    if gone.ignored:
        out(f"and, from worktrees, {gone.ignored} files or folders that git ignores; none is kept")
    kept_bytes = "any size" if most is None else show_size(most)
    out(f"kept: what ended within {show_duration(older)}, recordings up to {kept_bytes}")
    return exits.DONE
