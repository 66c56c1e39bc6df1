"""``inspan notify``: who is told of tasks, how that went, and a trial of it; starts no daemon."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from inspan.cli import exits, reach
from inspan.cli.parsing import add_json
from inspan.cli.say import clean, json, out, table
from inspan.errors import BadInput, InspanError
from inspan.model.notice import Command, Desktop, NoticeKind, Target, Webhook
from inspan.settings.figures import show_duration

if TYPE_CHECKING:
    from inspan.notices.marks import Mark

HELP = """\
Those under `notify:` in the settings are told of tasks that need somebody.
  ls              who they are, and how the last time went
  test [TARGET]   tell one of them, or all, from here, and say how that went
Exit status 1: one of them could not be told."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("ls", "test"))
    parser.add_argument("target", nargs="?", metavar="TARGET", help="one of them alone")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    targets = _meant(reach.settings().notify, args.target)
    if args.what == "test":
        return _test(targets, as_json=args.json)
    return _list(targets, as_json=args.json)


def _meant(targets: tuple[Target, ...], name: str | None) -> tuple[Target, ...]:
    if name is None:
        return targets
    found = tuple(target for target in targets if target.name == name)
    if not found:
        known = ", ".join(target.name for target in targets) or "nobody yet"
        raise BadInput(f"nobody called {name!r} is told anything", hint=f"Known: {known}.")
    return found


def _test(targets: tuple[Target, ...], *, as_json: bool) -> int:
    if not targets:
        raise BadInput("nobody is told anything", hint="Name somebody in the settings: `notify:`.")
    import anyio

    told = {target.name: anyio.run(_try, target) for target in targets}
    if as_json:
        rows = [{"target": name, "arrived": not why, "why": why} for name, why in told.items()]
        json({"tests": rows})
    else:
        for name, why in told.items():
            out(f"{clean(name)}: {f'not told: {clean(why)}' if why else 'told'}")
    return exits.FAILED if any(told.values()) else exits.DONE


async def _try(target: Target) -> str:
    """Why it did not arrive; empty where it did."""
    from inspan.app import way_to
    from inspan.notices.wording import trial

    try:
        way = way_to(target, places=reach.places(), settings=reach.settings())
        await way.deliver(trial(target.name, time.time()))
    except InspanError as error:
        return error.message
    return ""


def _list(targets: tuple[Target, ...], *, as_json: bool) -> int:
    from inspan.notices.marks import Mark, read

    marks = read(reach.places().notices)
    rows = [(target, marks.get(target.name, Mark())) for target in targets]
    if as_json:
        json({"targets": [_told(target, mark) for target, mark in rows]})
    elif not rows:
        out("nobody is told anything; name somebody in the settings: `notify:`")
    else:
        cells = [(it.name, _way(it), _kinds(it), _last(mark)) for it, mark in rows]
        table(("NAME", "BY", "OF", "LAST"), [tuple(map(clean, row)) for row in cells])
    return exits.FAILED if any(mark.trouble for _, mark in rows) else exits.DONE


def _told(target: Target, mark: Mark) -> dict[str, Any]:
    return {
        "name": target.name,
        "by": _way(target),
        "kinds": [kind for kind in NoticeKind if kind in target.kinds],
        "roles": target.roles,
        "tasks": target.tasks,
        "told_at": mark.told_at or None,
        "title": mark.title,
        "trouble": mark.trouble,
    }


def _way(target: Target) -> str:
    """How it is told; of an address no more than whose it is, since the rest may be a key."""
    match target.way:
        case Webhook(url=url, referred=True):
            return f"webhook {url}"
        case Webhook(url=url):
            from inspan.model.origin import parsed

            return f"webhook {parsed(url)[0]}"
        case Command(argv=argv):
            return f"command {argv[0]}"
        case Desktop():
            return "desktop"


def _kinds(target: Target) -> str:
    return " ".join(kind for kind in NoticeKind if kind in target.kinds)


def _last(mark: Mark) -> str:
    if not mark.told_at:
        return mark.trouble or "never"
    ago = f"{show_duration(time.time() - mark.told_at)} ago: {mark.title}"
    return f"{ago}; not told: {mark.trouble}" if mark.trouble else ago
