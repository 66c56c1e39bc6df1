"""The door: finds the verb, imports that verb alone, and turns errors into one line and a code.

``inspan --help`` is a static table, so that it costs no more than a bare interpreter. Nothing
heavier than ``os`` and ``sys`` may be imported at the top of this file.
"""

from __future__ import annotations

import atexit
import os
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from inspan.errors import InspanError

#: Group → verb → what it does. The order is the order of the help.
VERBS: Final[dict[str, dict[str, str]]] = {
    "Run": {
        "run": "run a command, or the tasks of a file, and watch",
        "add": "hand in a command and return at once",
        "goal": "have a goal planned, done, reviewed and merged",
        "py": "run Python in a session that remembers",
    },
    "Look": {
        "ls": "list tasks",
        "show": "all that is known of a task",
        "why": "what a task is doing, and how that is known",
        "logs": "what a task printed",
        "tui": "all of it on one screen, as it happens",
        "top": "how much is done and what that takes, as it happens",
        "search": "find text in what tasks printed",
        "events": "what happened, as it happens",
        "wait": "wait for tasks to end",
        "export": "a recording as an asciicast",
        "web": "the page, in a browser",
    },
    "Take a hand": {
        "attach": "type into a running task",
        "send": "a prompt, or one line, for a running task",
        "answer": "answer a task that asks something",
        "interrupt": "stop a task so that it can be resumed",
        "resume": "let an interrupted task go on",
        "again": "do a task once more, as a new one",
        "cancel": "give a task up",
        "plan": "show, edit or approve the plan of a goal",
    },
    "Decide": {
        "diff": "what a task changed in its worktree",
        "accept": "take a result",
        "merge": "bring a goal's branch, or a task's, onto yours",
        "reject": "refuse a result",
        "send-back": "have a result done again, with findings",
    },
    "Keep house": {
        "up": "start the daemon",
        "down": "stop the daemon",
        "status": "what runs, and where things are kept",
        "doctor": "look for what is amiss",
        "agents": "which agents are here",
        "mcp": "tools for an agent, by the Model Context Protocol",
        "demo": "see it work",
        "token": "who may come in by the network",
        "notify": "who is told of tasks that need somebody",
        "context": "daemons on other machines, by name",
        "audit": "who asked the daemon for what",
        "prune": "remove old tasks and recordings",
        "workspace": "where tasks worked: list, bring back, clear away",
        "kernel": "a kernel for Jupyter's notebooks and consoles",
        "alerts": "alert rules for Prometheus",
        "service": "have the system keep the daemon",
        "upgrade": "rehearse an upgrade and the way back, and do it",
        "db": "upgrade, downgrade, verify, back up or restore the database",
        "import": "take over tasks from elsewhere",
        "completion": "completion for bash, zsh or fish",
        "version": "the version",
    },
}
#: Words behind a verb that are verbs of their own; anything else there is the verb's.
PARTS: Final[dict[str, tuple[str, ...]]] = {
    "goal": ("show", "log", "graph"),
    "demo": ("goal",),
}
_FOOT: Final = """\
`inspan VERB --help` says more. An ID may be short, or the word `last`.
State is kept under INSPAN_HOME (or --home DIR), else in the platform's own place.
A daemon elsewhere is asked with --host URL (INSPAN_HOST) or --context NAME (INSPAN_CONTEXT)."""
#: What may stand before the verb or behind it, and the variable that it sets.
_WHERE: Final = {
    "--home": "INSPAN_HOME",
    "--host": "INSPAN_HOST",
    "--context": "INSPAN_CONTEXT",
    "--ca": "INSPAN_CA",
}
_NAMES: Final = {
    "--home": ("folder", "DIR"),
    "--host": ("address", "URL"),
    "--context": ("context", "NAME"),
    "--ca": ("file", "FILE"),
}
#: Verbs about this machine, and what can be done instead where the daemon is on another one.
_HERE_ALONE: Final = {
    **dict.fromkeys(
        (
            "up",
            "service",
            "doctor",
            "db",
            "upgrade",
            "notify",
            "agents",
            "token",
            "audit",
            "demo",
            "import",
            "kernel",
        ),
        "Run it there, as in `ssh HOST inspan {verb}`; `--context local` means this machine.",
    ),
    "export": "`inspan logs --raw` gets what was printed; `ssh HOST inspan export` all of it.",
}


def main(argv: list[str] | None = None) -> int:
    """Run one command line; the exit status."""
    words = sys.argv[1:] if argv is None else argv
    try:
        status = _dispatch(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _mute(1)  # the reader has gone
        return 141
    except OSError as error:
        _mute(1)
        return _unprinted(error)
    return status


def _mute(*descriptors: int) -> None:
    """Flushing at exit must not complain again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)


def _unprinted(error: OSError) -> int:
    """What there was to print has no room, or the words about a failure have none."""
    try:
        return _tell(_of_system(error), "", as_json=False)
    except OSError:
        return 1  # the status is all that can be told


def command() -> NoReturn:
    """``main`` as a process of its own.

    It is not taken apart at its end, which is a tenth of what a short command costs; only where a
    thread is at work, or somebody asked to be told of the end, it ends as any Python does.
    """
    _open_closed()
    status = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # a stream that refuses is no reason for another status
        _mute(1, 2)
    threading = sys.modules.get("threading")
    if atexit._ncallbacks() or (threading and threading.active_count() > 1):  # noqa: SLF001  no other way to ask
        sys.exit(status)
    os._exit(status)


def _open_closed() -> None:
    """A stream that was closed by who started this is ``None`` to Python; here all can be used."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - as above; it stays open


def module_of(verb: str) -> str:
    """The module that a verb lives in; ``import`` is a word of Python's own."""
    name = verb.replace("-", "_")
    return f"inspan.cli.{'import_' if name == 'import' else name}"


def parser_of(verb: str, part: str = "") -> tuple[ArgumentParser, Any]:
    """The parser and the module of a verb, or of a part of it."""
    from importlib import import_module

    from inspan.cli.parsing import Parser

    module = import_module(module_of(f"{verb}_{part}" if part else verb))
    summary = next(verbs[verb] for verbs in VERBS.values() if verb in verbs)
    prog = f"inspan {verb} {part}" if part else f"inspan {verb}"
    parser = Parser(prog=prog, description=module.HELP or summary)
    module.add_arguments(parser)
    add_where(parser)
    return parser, module


def add_where(parser: ArgumentParser) -> None:
    """Which daemon is meant."""
    where = parser.add_argument_group("which daemon")
    where.add_argument("--home", metavar="DIR", help="keep state here instead of INSPAN_HOME")
    where.add_argument(
        "--host", metavar="URL", help="one elsewhere, with the token in INSPAN_TOKEN"
    )
    where.add_argument("--context", metavar="NAME", help="one that `inspan context add` has named")
    where.add_argument("--ca", metavar="FILE", help="who issued its certificate")


def _dispatch(words: list[str]) -> int:
    words = _where_first(words)
    if not words or words[0] in ("-h", "--help") or words == ["help"]:
        print(top_help())
        return 0 if words else 2
    if words[0] in ("-V", "--version"):
        words = ["version", *words[1:]]
    if words[0] == "help":
        words = [words[1], "--help"]
    from inspan.errors import InspanError

    verb = words[0]
    try:
        _refuse_unreadable(words)
        return _verb(verb, words[1:])
    except SystemExit:
        return 0  # argparse has printed a help
    except BrokenPipeError:
        raise
    except InspanError as error:
        failed = error
    except OSError as error:
        failed = _of_system(error)
    return _tell(failed, verb, as_json="--json" in words)


def _verb(verb: str, words: list[str]) -> int:
    from inspan.errors import InspanError

    if not any(verb in verbs for verbs in VERBS.values()):
        _unknown(verb)
    if verb != "version":
        from inspan.settings.places import refuse_platform

        # Before the verb is imported: elsewhere that would fail without a sentence.
        refuse_platform()
    part = words[0] if words and words[0] in PARTS.get(verb, ()) else ""
    parser, module = parser_of(verb, part)
    words = words[1:] if part else words
    split = words.index("--") if getattr(module, "TAKES_COMMAND", False) and "--" in words else None
    args = parser.parse_args(words[:split])
    args.verb, args.spoken = verb, getattr(args, "command", None)
    if split is not None:
        args.command = [*args.command, *words[split + 1 :]]
    args.dashed = split is not None
    go_where(args)
    try:
        if verb in _HERE_ALONE:
            from inspan.cli.afar import refuse

            refuse(f"`inspan {verb}` is about one machine", _HERE_ALONE[verb].format(verb=verb))
        status: int = module.run(args)
    except InspanError as error:
        about = getattr(args, "task", None)
        if isinstance(about, str):
            from inspan.model.ids import filled

            error.hint = filled(error.hint, about)
        raise
    return status


def go_where(args: Namespace) -> None:
    """Heed what was said behind the verb about which daemon is meant. Raises BadInput."""
    for flag in _WHERE:
        given = getattr(args, flag[2:], None)
        if given is not None:
            _mean(flag, given)


def _where_first(words: list[str]) -> list[str]:
    """Take from before the verb which daemon is meant."""
    while words and (flag := words[0].partition("=")[0]) in _WHERE:
        given = words[0].partition("=")[2] if "=" in words[0] else "".join(words[1:2])
        if not given:
            return [flag]  # which is no verb, and refused as such
        _mean(flag, given)
        words = words[1 if "=" in words[0] else 2 :]
    return words


def _mean(flag: str, given: str) -> None:
    """A flag goes before variables, also before those that mean another daemon."""
    if not given:
        _unknown(flag)
    if flag in ("--host", "--context"):
        os.environ.pop("INSPAN_HOST", None)
        os.environ.pop("INSPAN_CONTEXT", None)
    path = flag in ("--home", "--ca")
    os.environ[_WHERE[flag]] = os.path.abspath(given) if path else given  # noqa: PTH100 - pathlib costs 5 ms here


def _refuse_unreadable(words: list[str]) -> None:
    from inspan.errors import BadInput

    for number, word in enumerate(words, 1):
        if "\0" in word:
            raise BadInput(f"argument {number} holds a NUL byte")
        try:
            word.encode()
        except UnicodeEncodeError:
            raw = os.fsencode(word)
            raise BadInput(
                f"argument {number} is not valid UTF-8: {raw!r}",
                hint="Put such a name into a small script and run that.",
            ) from None


def _unknown(verb: str) -> NoReturn:
    from difflib import get_close_matches

    from inspan.cli.say import clean
    from inspan.errors import BadInput

    if verb in _WHERE:
        thing, word = _NAMES[verb]
        hint = f"Write {verb} {word}, or leave it out."
        raise BadInput(f"{verb} names no {thing}", hint=hint)
    every = [name for verbs in VERBS.values() for name in verbs]
    near = get_close_matches(verb, every, n=1)
    what = "option" if verb.startswith("-") else "command"
    raise BadInput(
        f"there is no {what} {clean(verb)!r}",
        hint=f"Did you mean `inspan {near[0]}`?" if near else "`inspan --help` lists them.",
    )


def _of_system(error: OSError) -> InspanError:
    """What the system refused, and about which file."""
    from inspan.errors import Unable

    about = f" ({os.fsdecode(error.filename)})" if error.filename is not None else ""
    return Unable(f"the system refuses: {error.strerror or error}{about}")


def _tell(error: InspanError, verb: str, *, as_json: bool) -> int:
    from inspan.cli.say import failure

    # What `run` runs has an exit status of its own, which ours must not be taken for.
    return failure(error, code=125 if verb == "run" else None, as_json=as_json)


def top_help() -> str:
    """The table of verbs."""
    lines = ["usage: inspan VERB [options]", ""]
    lines.append("Runs and supervises command-line agents, durably and many at once.")
    for group, verbs in VERBS.items():
        lines += ["", f"{group}:"]
        lines += [f"  {verb:<11} {summary}" for verb, summary in verbs.items()]
    return "\n".join([*lines, "", _FOOT])


if __name__ == "__main__":
    command()
