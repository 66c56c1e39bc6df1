"""``inspan alerts``: the alert rules for Prometheus that come with inspan."""

from __future__ import annotations

import argparse
from importlib.resources import files
from typing import Final

from inspan.cli import exits
from inspan.cli.parsing import add_json
from inspan.cli.say import json
from inspan.errors import BadInput

HELP = """\
Print alert rules for Prometheus, by the figures of GET /metrics: `rule_files` names the file that
they are put into. What each alert means, and what to do, is in docs/runbook.md; --runbook is where
your people find that."""
_RUNBOOK: Final = "docs/runbook.md"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runbook", metavar="URL", default=_RUNBOOK, help="where the runbook is")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    if not args.runbook.isprintable() or set(args.runbook) & set("# '\"\\{}"):
        raise BadInput(f"{args.runbook!r} is no address", hint="--runbook https://wiki.example/run")
    text = files("inspan.monitor").joinpath("alerts.yml").read_text(encoding="utf-8")
    text = text.replace(f"runbook_url: {_RUNBOOK}#", f"runbook_url: {args.runbook}#")
    if args.json:
        from yaml import safe_load

        json(safe_load(text))
    else:
        print(text, end="")
    return exits.DONE
