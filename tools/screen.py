"""Shows what a recording's terminal shows at its end, and what the screen rules said on the way.

    python -m tools.screen RECORDING [--rules NAME|FILE.toml] [--emulator NAME] [--rows]

RECORDING is the folder of a session's recording, below `recordings` in inspan's state directory.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from inspan.errors import InspanError
from inspan.model.activity import Activity
from inspan.providers.screenrules import rulebooks
from inspan.terminal.playback import Playback
from inspan.terminal.replay import Replay
from inspan.terminal.rulefile import parse
from inspan.terminal.rules import Rulebook
from inspan.terminal.sanitize import clean
from inspan.terminal.screen import backend, backends


def main() -> int:
    """2 where it was asked for what is not there."""
    parser = argparse.ArgumentParser(prog="python -m tools.screen", description=__doc__)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--rules", default="generic", help="an agent, or a file")
    parser.add_argument("--emulator", choices=[item.name for item in backends()])
    parser.add_argument("--rows", action="store_true", help="show the screen at each change too")
    args = parser.parse_args()
    chosen = next((item for item in backends() if item.name == args.emulator), backend())
    try:
        playback = Playback(args.recording)
        replay = Replay(playback, _rules(args.rules), chosen)
        began = playback.began or 0.0
        for activity in replay.activities():
            print(_shown(activity, began))
            if args.rows:
                print(_screen(replay))
    except (InspanError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(_screen(replay))
    return 0


def _rules(named: str) -> tuple[Rulebook, ...]:
    if named.endswith(".toml"):
        return (parse(Path(named).read_text("utf-8"), named),)
    return rulebooks(named)


def _shown(activity: Activity, began: float) -> str:
    words = [f"{activity.since - began:9.3f}", f"{activity.doing:8}", f"{activity.source or '-':8}"]
    words += [activity.rule or "-", repr(activity.evidence)]
    if activity.needs:
        words.append(f"asks {activity.needs.kind}: {activity.needs.question!r}")
        words += [repr(option) for option in activity.needs.options]
    return "  ".join([*words, "flapping" * activity.flapping])


def _screen(replay: Replay) -> str:
    screen = replay.look.screen
    column, row = screen.cursor
    lines = [f"    │{clean(line)}" for line in screen.rows()]
    told = f"title {screen.title!r}, progress {str(screen.progress)!r}, {screen.bells} bells"
    return "\n".join([*lines, f"    {told}, cursor {column},{row}"])


if __name__ == "__main__":
    sys.exit(main())
