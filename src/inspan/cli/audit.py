"""``inspan audit``: who asked the daemon for what, and whether the log is as it was written."""

from __future__ import annotations

import argparse
from collections import deque
from datetime import datetime
from typing import Any, Final

from inspan.cli import exits, reach
from inspan.cli.parsing import add_json
from inspan.cli.say import clean, json, note, out
from inspan.errors import BadInput

HELP = """\
Who asked the daemon for what, and which answer they got: all that was more than looking, and all
that was refused at the door. Each line is chained to the one before; a line that was changed, taken
out or put in is named, and the exit status is 1 then. The last hash, kept elsewhere, shows a tail
that was cut off."""

_SHOWN: Final = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-n", metavar="N", default=_SHOWN, type=int, help="the last N lines (50)")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from inspan.server.audit import NOTHING, read

    if args.n < 0:
        raise BadInput("-n is a number of lines")
    lines: deque[dict[str, Any]] = deque(maxlen=args.n)
    count, broken, last = 0, [], NOTHING
    for entry in read(reach.places().audit):
        count += 1
        last = entry.hash
        if entry.broken:
            broken.append(count)
        lines.append({"number": count, "broken": entry.broken, **entry.line})
    if args.json:
        json({"lines": list(lines), "count": count, "broken": broken, "hash": last})
    else:
        for line in lines:
            out(_row(line))
        out(f"{count} lines, the last has the hash {last}")
        if broken:
            note(f"not as it was written: line {', '.join(map(str, broken[:10]))}")
    return exits.FAILED if broken else exits.DONE


def _row(line: dict[str, Any]) -> str:
    if "what" not in line:
        return f"{line['number']:>6}  a line that cannot be read"
    at = datetime.fromtimestamp(line.get("at") or 0).astimezone()
    who = line.get("who") or "a stranger"
    more = f" (and {line['unwritten']} more like it)" if line.get("unwritten") else ""
    return clean(f"{at:%Y-%m-%d %H:%M:%S}  {line.get('status')}  {who}: {line['what']}{more}")
