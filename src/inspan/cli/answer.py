"""``inspan answer``: answer what a waiting task asked."""

from __future__ import annotations

import argparse

from inspan.cli import exits, reach
from inspan.cli.parsing import add_json, add_task
from inspan.cli.say import clean, json, note, out
from inspan.model.ids import short
from inspan.telling import phrases, replying

HELP = """\
Answer a task that waits for a person; `inspan show ID` tells what it asks. An agent that asks for a
permission takes allow (y), deny (n), or a sentence, which denies and is told to it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_task(parser)
    parser.add_argument("text", nargs="+", metavar="TEXT", help="the answer")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    words = " ".join(args.text)
    with reach.control() as control:
        needs = control.get(args.task).needs
        if needs is None:
            task = control.answer(args.task, words)  # which says why it cannot be
        else:
            text = replying.meant(needs, words)
            task = control.answer(args.task, text, question=needs.id)
    if args.json:
        json(task)
        return exits.DONE
    out(phrases.brief(task))
    if needs is not None:
        note(clean(replying.told(needs, text)))
        if needs.more:
            one = needs.more == 1
            more = "another question waits" if one else f"{needs.more} more questions wait"
            note(f"{more}: `inspan show {short(task.id)}`")
    return exits.DONE
