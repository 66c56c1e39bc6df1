"""``inspan search``: lines that hold a text, of all that tasks printed."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from inspan.cli import exits, reach
from inspan.cli.parsing import add_json
from inspan.cli.say import clean, json, out, styled
from inspan.control import SearchQuery
from inspan.model.ids import attempt_of, short, task_of

if TYPE_CHECKING:
    from inspan.model.session import Hit

HELP = "Lines that were printed and hold TEXT, the newest session first. JSON: one a line."
_PAGE: Final = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar="TEXT", help="what is searched for, within a line")
    parser.add_argument("task", nargs="?", metavar="ID", help="only in what this task printed")
    parser.add_argument("--case", action="store_true", help="upper and lower case differ")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N lines")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 1 where nothing was found, as of ``grep``."""
    left: int = sys.maxsize if args.limit is None else max(1, args.limit)
    told, after = False, None
    with reach.control() as control:
        while left:
            page = control.search(
                SearchQuery(
                    text=args.text,
                    task=args.task,
                    case=args.case,
                    after=after,
                    limit=min(left, _PAGE),
                )
            )
            for hit in page.hits:
                _tell(hit, as_json=args.json)
            told = told or bool(page.hits)
            left -= len(page.hits)
            after = page.next
            if after is None:
                break
    return exits.DONE if told else exits.FAILED


def _tell(hit: Hit, *, as_json: bool) -> None:
    if as_json:
        json(hit)
        return
    at = datetime.fromtimestamp(hit.at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    name = f"{short(task_of(hit.session))}-{attempt_of(hit.session)}"
    out(f"{styled(at, 'dim')} {name} {clean(hit.line)}")
    sys.stdout.flush()
