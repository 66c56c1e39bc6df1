"""``inspan completion``: the script that completes commands in bash, zsh or fish."""

from __future__ import annotations

import argparse
import re
from typing import Final

from inspan.cli import exits, reach
from inspan.cli.say import out

HELP = """\
Print a completion script:
  bash:  eval "$(inspan completion bash)"       in ~/.bashrc
  zsh:   eval "$(inspan completion zsh)"        in ~/.zshrc, after compinit
  fish:  inspan completion fish > ~/.config/fish/completions/inspan.fish

`inspan completion ids` prints what the scripts complete an ID with, `inspan completion sessions`
what they complete a code session with, `inspan completion contexts` a context; none starts a
daemon."""
#: So many tasks are offered, the newest.
_OFFERED: Final = 50
#: What a shell takes as it is.
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish", "ids", "sessions", "contexts"))


def run(args: argparse.Namespace) -> int:
    if args.shell == "ids":
        return _ids()
    if args.shell == "sessions":
        return _sessions()
    if args.shell == "contexts":
        from inspan.settings.contexts import LOCAL, Contexts

        for name in (LOCAL, *(each.name for each in Contexts(reach.places()).all())):
            out(name)
        return exits.DONE
    from inspan.cli import shells

    out(shells.script(args.shell))
    return exits.DONE


def _ids() -> int:
    """``last``, short ids, and names that are one plain word."""
    from inspan.control import TaskQuery
    from inspan.model.ids import short

    out("last")
    if not reach.runs():
        return exits.DONE
    with reach.control() as control:
        tasks = control.list(TaskQuery(limit=_OFFERED)).tasks
    names = {task.spec.name for task in tasks}
    plain = sorted(name for name in names if _PLAIN.fullmatch(name))
    for word in [*(short(task.id) for task in tasks), *plain]:
        out(word)
    return exits.DONE


def _sessions() -> int:
    """Names of the code sessions that are open, and short ids of those that have none."""
    from inspan.cli.py_which import called

    if not reach.runs():
        return exits.DONE
    with reach.connect() as control:
        for session in control.code.list():
            out(called(session))
    return exits.DONE
