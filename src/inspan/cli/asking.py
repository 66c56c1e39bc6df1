"""From a command line to a TaskSpec: the flags that ``run`` and ``add`` share, and what they mean.

It captures the caller's environment through the allow-list, and decides nothing that the engine
decides.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from inspan.cli import afar, confining, continuing, permitting
from inspan.errors import BadInput, FolderMissing
from inspan.model.agent import Mode, is_agent
from inspan.model.budget import Budget, OverBudget
from inspan.model.task import OnCrash, OnLimit, Patience, TaskSpec, TerminalSpec, WorkspaceKind
from inspan.settings import EnvRule, Settings, locate, passing
from inspan.settings.figures import duration

if TYPE_CHECKING:
    from inspan.agents.dialect import Dialect

#: SQLite's whole numbers end here.
_NUMBERS: Final = 1 << 63
#: Flags that mean nothing where no agent is asked, and what they are about.
_OF_AGENTS: Final = {
    "mode": "how an agent is spoken to",
    "on_limit": "an agent's usage limit",
    "over_budget": "an agent's budget",
}
_ON_CRASH = [choice.value for choice in OnCrash]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags that describe a task."""
    add = parser.add_argument
    add("command", nargs=argparse.REMAINDER, metavar="-- CMD ...", help="what to run")
    what = parser.add_argument_group("what")
    what.add_argument("--name", default="", help="what to call it")
    what.add_argument("--role", default="worker", help="whose slots it takes (default: worker)")
    what.add_argument(
        "--provider",
        "--agent",
        dest="provider",
        help="who runs it (default: shell)",
    )
    continuing.add_arguments(what)
    what.add_argument(
        "--prompt", metavar="TEXT", help="what to ask an agent; `-` reads it from standard input"
    )
    what.add_argument("--mode", choices=[mode.value for mode in Mode], help="how to speak to it")
    what.add_argument(
        "--mcp", action="store_true", help="let an agent hand in tasks of its own, by `inspan mcp`"
    )
    what.add_argument(
        "--label", action="append", default=[], metavar="KEY=VALUE", help="remembered with it"
    )
    where = parser.add_argument_group("where")
    where.add_argument("--cwd", metavar="DIR", help="work in this folder (default: here)")
    kind = where.add_mutually_exclusive_group()
    kind.add_argument("--worktree", action="store_true", help="in a git worktree of its own")
    kind.add_argument("--folder", action="store_true", help="in a new folder of its own")
    kind.add_argument(
        "--copy", action="store_true", help="in a copy of the folder, which is no git repository"
    )
    where.add_argument("--base", metavar="REV", help="what a worktree starts from (default: HEAD)")
    where.add_argument(
        "--setup",
        action="append",
        default=[],
        metavar="CMD",
        help="run CMD there first, once, where the place is its own",
    )
    where.add_argument(
        "--env", action="append", default=[], metavar="NAME[=VALUE]", help="pass or set a variable"
    )
    where.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="NAME[=REF]",
        help="pass a variable that is stored nowhere; REF as file:PATH",
    )
    where.add_argument("--env-all", action="store_true", help="pass all variables, secrets too")
    where.add_argument(
        "--pty",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="give it a terminal, or pipes (default: like ours)",
    )
    permitting.add_arguments(parser)
    confining.add_arguments(parser)
    _add_when(parser)


def _add_when(parser: argparse.ArgumentParser) -> None:
    when = parser.add_argument_group("when, and how long")
    when.add_argument("--after", action="append", default=[], metavar="ID", help="wait for these")
    when.add_argument("--priority", type=int, default=0, metavar="N", help="higher goes first")
    start = when.add_mutually_exclusive_group()
    start.add_argument("--delay", metavar="TIME", help="start no sooner than this from now")
    start.add_argument("--at", metavar="WHEN", help="start at HH:MM or an ISO date and time")
    when.add_argument("--timeout", metavar="TIME", help="stop it after 90, 5m, 8h, or none")
    when.add_argument("--idle", metavar="TIME", help="stop it after this long a silence, or none")
    then = parser.add_argument_group("and then")
    then.add_argument(
        "--retries", type=int, default=0, metavar="N", help="try again so often where it fails"
    )
    then.add_argument(
        "--check", action="append", default=[], metavar="CMD", help="succeeds only if CMD does"
    )
    add_budget(then)
    then.add_argument(
        "--on-limit",
        choices=[choice.value for choice in OnLimit],
        help="at a usage limit of an agent: wait until it is lifted, or fail (default)",
    )
    then.add_argument("--review", action="store_true", help="wait for somebody's verdict")
    then.add_argument("--on-crash", choices=_ON_CRASH, default="ask", help="if its process is lost")
    then.add_argument("--key", help="an idempotency key: the same key makes no second task")


def spec_of(
    args: argparse.Namespace,
    settings: Settings,
    env: Mapping[str, str],
    terminal: TerminalSpec,
    *,
    foreground: bool,
) -> TaskSpec:
    """The task that ``args`` describe. Raises BadInput, FolderMissing, and what looking up does."""
    continuing.take(args)
    provider, dialect = _who(args, settings)
    mode = None if args.mode is None else Mode(args.mode)
    if not args.command and args.prompt is None:
        raise _nothing(args, provider if dialect is not None else None)
    cwd, given, withheld, secrets = _brought(args, settings, env, dialect)
    return TaskSpec(
        command=tuple(args.command),
        prompt=args.prompt,
        provider=provider,
        mode=mode,
        name=args.name,
        role=args.role,
        cwd=cwd,
        env=given,
        withheld=withheld,
        secrets=secrets,
        after=after(args.after),
        priority=storable("--priority", args.priority),
        not_before=start(args.delay, args.at, time.time()),
        patience=patience(settings, provider, args.timeout, args.idle, foreground=foreground),
        permissions=permitting.policy_of(args, settings, dialect, foreground=foreground),
        sandbox=confining.sandbox_of(args, settings, agent=dialect is not None),
        retries=at_least_zero("--retries", args.retries),
        checks=tuple(args.check),
        setup=tuple(args.setup),
        terminal=passing.terminal_of(dialect, mode, terminal),
        workspace=workspace(worktree=args.worktree, own_folder=args.folder, copy=args.copy),
        continues=args.continues,
        base=_base(args.base, worktree=args.worktree),
        on_crash=OnCrash(args.on_crash),
        budget=budget(settings, args.budget, args.over_budget, agent=dialect is not None),
        on_limit=None if args.on_limit is None else OnLimit(args.on_limit),
        review=args.review,
        labels=labels(args.label),
        delegates=args.mcp,
    )


def _brought(
    args: argparse.Namespace, settings: Settings, env: Mapping[str, str], dialect: Dialect | None
) -> tuple[str, dict[str, str], tuple[str, ...], dict[str, str]]:
    """Its folder, its variables, the names of those withheld, and its keys by reference."""
    if afar.address() is not None:
        given, _ = environment(env, afar.rule(everything=args.env_all), args.env)
        return afar.folder(args.cwd), given, (), afar.secrets(args.secret)
    cwd = folder(args.cwd)
    rule = passing.rule_of(dialect, settings.env)
    given, withheld = environment(env, rule, args.env, everything=args.env_all)
    if args.cwd:
        given["PWD"] = cwd
    secrets = passing.secrets_of(
        dialect,
        given,
        env=env,
        asked=args.secret,
        settings=settings.secrets,
        places=locate(os.environ),
    )
    return cwd, given, tuple(name for name in withheld if name not in secrets), secrets


def _who(args: argparse.Namespace, settings: Settings) -> tuple[str, Dialect | None]:
    """Who runs it; an agent's prompt is put in its place. Raises BadInput, ProviderBroken."""
    provider = args.provider or "shell"
    dialect = passing.dialect_of(provider, settings)
    if dialect is not None:
        from inspan.cli import prompting

        prompting.take(args)
    else:
        for flag, about in _OF_AGENTS.items():
            if getattr(args, flag) is not None:
                name = flag.replace("_", "-")
                raise BadInput(f"--{name} is about {about}", hint="Name one by --agent.")
        if args.mcp:
            raise BadInput("--mcp is about an agent", hint="Name one by --agent.")
    return provider, dialect


def _nothing(args: argparse.Namespace, agent: str | None) -> BadInput:
    """That neither a command nor a prompt was given."""
    asks = f'`inspan {args.verb} --agent {agent or "NAME"} "fix the failing test"`'
    if agent is not None:
        return BadInput(f"there is nothing to ask {agent}", hint=f"Write it: {asks}.")
    hint = f"Write the command after `--`, or ask an agent: {asks}."
    return BadInput("there is nothing to run", hint=hint)


def folder(given: str | None) -> str:
    """An absolute folder that exists. Raises FolderMissing."""
    path = os.path.abspath(given or os.getcwd())  # noqa: PTH100, PTH109 - resolves no link, as a shell does
    if not os.path.isdir(path):  # noqa: PTH112 - text, no path yet
        if os.path.lexists(path):
            raise FolderMissing(f"{path} is not a folder")
        raise FolderMissing(f"the folder {path} does not exist")
    return path


def environment(
    env: Mapping[str, str], rule: EnvRule, extra: Sequence[str], *, everything: bool = False
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The task's environment, and the names that were withheld. Raises BadInput."""
    readable = {name: value for name, value in env.items() if _utf8(name) and _utf8(value)}
    given, withheld = (dict(readable), ()) if everything else rule.split(readable)
    for item in extra:
        name, equals, value = item.partition("=")
        if not name or "\0" in item:
            raise BadInput(f"{item!r} is no variable", hint="Write --env NAME or --env NAME=VALUE.")
        if not equals and name not in readable:
            raise BadInput(
                f"the variable {name} is not set here", hint="Set it, or write --env NAME=VALUE."
            )
        given[name] = value if equals else readable[name]
    kept_back = {*withheld, *(name for name in env if name not in readable)} - given.keys()
    return given, tuple(sorted(ascii(name)[1:-1] for name in kept_back))


def _utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def after(given: Sequence[str]) -> tuple[str, ...]:
    """Ids, repeated or separated by commas."""
    return tuple(word for item in given for word in item.split(",") if word)


def start(delay: str | None, at: str | None, now: float) -> float | None:
    """Seconds since the epoch before which it does not start. Raises BadInput."""
    if delay is not None:
        seconds = duration(delay)
        return now + seconds if seconds else None
    return None if at is None else _moment(at, now)


def _moment(text: str, now: float) -> float:
    from datetime import datetime, timedelta

    here = datetime.fromtimestamp(now).astimezone()
    try:
        if len(text) <= 5 and ":" in text:
            clock = datetime.strptime(text, "%H:%M")  # noqa: DTZ007 - only the hour and minute are used
            day = here.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
            return (day if day >= here else day + timedelta(days=1)).timestamp()
        given = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(
            f"--at {text!r} is no time", hint="Write 18:30, or 2030-01-31T18:30 as ISO 8601 has it."
        ) from None
    return given.astimezone().timestamp()


def patience(
    settings: Settings, provider: str, timeout: str | None, idle: str | None, *, foreground: bool
) -> Patience | None:
    """How long it may take; ``None`` leaves it to the engine.

    In the foreground somebody watches, so there is no deadline unless one was asked for, and an
    agent may be silent as long as it likes.
    """
    if timeout is None and idle is None and not foreground:
        return None
    agent = is_agent(provider)
    usual = settings.timeouts.patience(agent=agent)
    deadline = None if foreground else usual.deadline
    if timeout is not None:
        deadline = _some("--timeout", duration(timeout))
    silence = None if foreground and agent else usual.idle
    if idle is not None:
        silence = _some("--idle", duration(idle))
    return Patience(
        deadline=deadline,
        idle=silence,
        warn_before=usual.warn_before,
        grace=usual.grace,
        lifted=timeout is not None or foreground,
    )


def add_budget(group: argparse._ArgumentGroup) -> None:
    """The flags that ``budget`` reads."""
    group.add_argument(
        "--budget",
        action="append",
        default=[],
        metavar="AMOUNT",
        help="what an agent may use: '$2', or 200k tokens, or none",
    )
    group.add_argument(
        "--over-budget",
        choices=[choice.value for choice in OverBudget],
        help="when it is used up: interrupt it and ask (default), or stop",
    )


def budget(
    settings: Settings, given: Sequence[str], over: str | None, *, agent: bool
) -> Budget | None:
    """What it may use: as asked for, or for an agent as the settings have it. Raises BadInput."""
    usual = settings.agents.budget if agent else None
    if not given:
        if over is None or usual is None:
            return usual
        return Budget(cost=usual.cost, tokens=usual.tokens, over=OverBudget(over))
    from inspan.settings.budgeting import budget as read

    # One without a figure: the daemon has a usual one, too.
    return read(given, OverBudget(over) if over else settings.agents.over_budget) or Budget()


def _some(flag: str, seconds: float | None) -> float | None:
    if seconds == 0:
        raise BadInput(f"{flag} 0 leaves no time at all", hint=f"Write {flag} none for no limit.")
    return seconds


def at_least_zero(flag: str, number: int) -> int:
    """``number``, which must not be negative."""
    if number < 0:
        raise BadInput(f"{flag} cannot be negative")
    return number


def storable(flag: str, number: int) -> int:
    """``number``, which must fit into the database. Raises BadInput."""
    if abs(number) >= _NUMBERS:
        raise BadInput(f"{flag} {number} is too far from 0")
    return number


def _base(given: str | None, *, worktree: bool) -> str:
    if given is not None and not worktree:
        raise BadInput("--base means nothing without a worktree", hint="Add --worktree.")
    return "HEAD" if given is None else given


def workspace(*, worktree: bool, own_folder: bool, copy: bool) -> WorkspaceKind:
    """Where it works."""
    if copy:
        return WorkspaceKind.COPY
    if worktree:
        return WorkspaceKind.WORKTREE
    return WorkspaceKind.FOLDER if own_folder else WorkspaceKind.HERE


def labels(given: Sequence[str]) -> dict[str, str]:
    """``KEY=VALUE`` pairs. Raises BadInput."""
    pairs = {}
    for item in given:
        key, equals, value = item.partition("=")
        if not key or not equals:
            raise BadInput(f"--label {item!r} is not KEY=VALUE")
        pairs[key] = value
    return pairs
