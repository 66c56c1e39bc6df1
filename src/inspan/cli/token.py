"""``inspan token``: who may come in by the network; with a daemon or without, and at once."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from inspan.cli import exits, reach
from inspan.cli.parsing import add_json
from inspan.cli.say import clean, json, note, out, table
from inspan.errors import BadInput
from inspan.server.visitor import Scope
from inspan.settings import private
from inspan.settings.figures import duration, show_duration

if TYPE_CHECKING:
    from inspan.server.tokens import Token, Tokens

HELP = """\
Tokens let programs and people in by the network (`inspan up --listen`).
  new NAME      make one; it is shown once, or written to a file of mode 600
  ls            those there are, and what they may do
  rotate NAME   another in its place; the old one counts no more
  revoke NAME   it counts no more
Scopes, each of which includes read:
  read          look at everything
  write         hand in, answer, stop, decide: can run any command as you
  attach-write  type into terminals
  admin         everything"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("new", "ls", "rotate", "revoke"))
    parser.add_argument("name", nargs="?", help="what it is called, as in `phone`")
    parser.add_argument(
        "--scope",
        action="append",
        choices=[*Scope],
        metavar="SCOPE",
        help="what it may do (default: read)",
    )
    parser.add_argument("--expires", metavar="TIME", help="counts for so long (30d), or none")
    parser.add_argument("--out", metavar="FILE", help="write it there, readable to you alone")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from inspan.server.tokens import Tokens

    _refuse_odd(args)
    where = reach.places()
    where.prepare()
    tokens = Tokens(where.tokens)
    if args.what == "ls":
        _list(tokens.all(), as_json=args.json)
    elif args.what == "revoke":
        tokens.revoke(args.name)
        json({"revoked": args.name}) if args.json else out(f"revoked {clean(args.name)}")
    else:
        _hand_out(args, _made(args, tokens))
    return exits.DONE


def _refuse_odd(args: argparse.Namespace) -> None:
    if args.what == "ls" and args.name is not None:
        raise BadInput("`inspan token ls` takes no name")
    if args.what != "ls" and args.name is None:
        raise BadInput(f"`inspan token {args.what}` needs a name")
    if args.what != "new" and (args.scope or args.expires):
        raise BadInput("--scope and --expires are for `inspan token new`")
    if args.what in ("ls", "revoke") and args.out:
        raise BadInput(f"`inspan token {args.what}` has no token to write")


def _made(args: argparse.Namespace, tokens: Tokens) -> str:
    now = time.time()
    if args.what == "rotate":
        return tokens.rotate(args.name, now=now)
    span = duration(args.expires) if args.expires else None
    scopes = [Scope(word) for word in dict.fromkeys(args.scope or ["read"])]
    return tokens.make(args.name, scopes, now=now, ends=None if span is None else now + span)


def _hand_out(args: argparse.Namespace, text: str) -> None:
    if args.out:
        private.write(Path(args.out), f"{text}\n")
    if args.json:
        json({"name": args.name, "token": None if args.out else text, "out": args.out})
    elif args.out:
        out(f"written to {clean(args.out)}")
    else:
        out(text)
        note("it is shown this once; send it as `Authorization: Bearer TOKEN`")


def _list(tokens: tuple[Token, ...], *, as_json: bool) -> None:
    now = time.time()
    if as_json:
        told = [
            {"name": each.name, "scopes": each.scopes, "made": each.made, "ends": each.ends}
            for each in tokens
        ]
        json({"tokens": told})
    elif not tokens:
        out("no tokens; `inspan token new NAME` makes one")
    else:
        rows = [
            (each.name, " ".join(each.scopes), show_duration(now - each.made), _left(each, now))
            for each in tokens
        ]
        table(("NAME", "SCOPES", "AGE", "ENDS"), rows)


def _left(token: Token, now: float) -> str:
    if token.ends is None:
        return "never"
    return f"in {show_duration(token.ends - now)}" if token.ends > now else "over"
