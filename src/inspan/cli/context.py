"""``inspan context``: names for daemons elsewhere, and which of them all commands go to."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from inspan.cli import exits, reach
from inspan.cli.parsing import add_json
from inspan.cli.say import clean, json, note, out, table
from inspan.errors import BadInput
from inspan.settings.contexts import LOCAL, Context, Contexts

if TYPE_CHECKING:
    from inspan.client.address import Address

HELP = """\
Names for daemons on other machines.
  add NAME URL  its token is asked for, or read from stdin or --token-file
  use NAME      all commands go there; `local` is this machine
  ls            those there are
  show [NAME]   one, and whether it answers
  rm NAME       forget it, and the token that was kept for it
`--context NAME` means one for once, and `--host URL` a daemon without a name:
  inspan context add box https://box.example:7433 --token-file box.token
  inspan --context box ls"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("add", "use", "ls", "show", "rm"))
    parser.add_argument("name", nargs="?", help="what it is called, as in `box`")
    parser.add_argument("url", nargs="?", help="unix:///PATH, http://127.0.0.1:PORT, https://…")
    parser.add_argument("--token-file", metavar="FILE", help="where its token is, of mode 600")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    _refuse_odd(args)
    contexts = Contexts(reach.places())
    if args.what == "ls":
        _list(contexts, as_json=args.json)
    elif args.what == "show":
        return _show(contexts, args)
    elif args.what == "add":
        made = _added(contexts, args)
        json(_told(made)) if args.json else out(f"added {clean(made.name)}: {clean(made.url)}")
    elif args.what == "use":
        contexts.use(None if args.name == LOCAL else args.name)
        json({"current": args.name}) if args.json else out(f"commands go to {clean(args.name)} now")
    else:
        contexts.remove(args.name)
        json({"removed": args.name}) if args.json else out(f"removed {clean(args.name)}")
    return exits.DONE


def _refuse_odd(args: argparse.Namespace) -> None:
    if args.name is None and args.what not in ("ls", "show"):
        raise BadInput(f"`inspan context {args.what}` needs a name")
    if args.name is not None and args.what == "ls":
        raise BadInput("`inspan context ls` takes no name")
    if (args.url is not None) != (args.what == "add"):
        raise BadInput(
            "an address is for `inspan context add NAME URL`, which needs one",
            hint="As in `inspan context add box https://box.example:7433`.",
        )
    if args.what != "add" and args.token_file:
        raise BadInput("--token-file is for `inspan context add`")


def _added(contexts: Contexts, args: argparse.Namespace) -> Context:
    from inspan.client.address import parse
    from inspan.settings.contexts import read_token

    ca = None if args.ca is None else os.path.abspath(args.ca)  # noqa: PTH100 - as in main
    there = parse(args.url, ca=ca)
    _refuse_authority(there)
    file = None if args.token_file is None else os.path.abspath(args.token_file)  # noqa: PTH100 - as above
    token = None
    if file is not None:
        read_token(file)
    elif not there.path:
        token = _asked(there)
        parse(args.url, ca=ca, token=token)
    return contexts.add(Context(args.name, there.url, file, ca), token)


def _refuse_authority(there: Address) -> None:
    if there.ca is not None:
        from inspan.client.network import trusted

        trusted(there.ca)


def _asked(there: Address) -> str:
    if sys.stdin.isatty():
        from getpass import getpass

        token = getpass(f"token for {clean(there.url)}: ").strip()
    else:
        token = sys.stdin.readline(4096).strip()
    if not token:
        raise BadInput(
            "there is no token",
            hint="`inspan token new NAME --scope write` there makes one; give it on standard"
            " input or by --token-file.",
        )
    return token


def _list(contexts: Contexts, *, as_json: bool) -> None:
    found, current = contexts.all(), contexts.current() or LOCAL
    if as_json:
        json({"current": current, "contexts": [_told(each) for each in found]})
        return
    rows = [(LOCAL, "this machine"), *((each.name, each.url) for each in found)]
    table(("", "NAME", "ADDRESS"), [("*" if row[0] == current else "", *row) for row in rows])


def _show(contexts: Contexts, args: argparse.Namespace) -> int:
    if args.name is not None:
        os.environ["INSPAN_CONTEXT"] = args.name
        os.environ.pop("INSPAN_HOST", None)
    from inspan.cli import afar
    from inspan.errors import InspanError

    there = afar.address()
    name = args.name or os.environ.get("INSPAN_CONTEXT") or contexts.current() or LOCAL
    told = {"name": name if there is None or not os.environ.get("INSPAN_HOST") else None}
    told["url"] = None if there is None else there.url
    answer = None
    try:
        from inspan.client.sync import SyncControl

        with SyncControl(reach.address()) as control:
            answer = control.health().daemon.version
    except InspanError as error:
        told["problem"] = error.message
        if not args.json:
            note(error.message)
    told["version"] = answer
    if args.json:
        json(told)
    else:
        out(f"{clean(told['name'] or 'no name')}: {clean(told['url'] or 'this machine')}")
        if answer is not None:
            out(f"it answers: inspan {clean(answer)}")
    return exits.DONE if answer is not None else exits.FAILED


def _told(context: Context) -> dict[str, str | None]:
    return {
        "name": context.name,
        "url": context.url,
        "token_file": context.token_file,
        "ca": context.ca,
    }
