"""``inspan goal``: a goal in words, or a plan in a file; planned, done, reviewed and merged."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Final

from inspan.cli import asking, permitting, reach
from inspan.cli.parsing import add_json
from inspan.cli.run import tell_submitted
from inspan.cli.say import json
from inspan.errors import BadInput
from inspan.model.budget import Budget
from inspan.model.permission import Policy
from inspan.model.task import BY_LINES, OnCrash, TaskKind, TaskSpec
from inspan.settings import EnvRule, passing, pursuing

if TYPE_CHECKING:
    from inspan.model.goal import GoalPlan
    from inspan.model.task import Task
    from inspan.settings import Settings
    from inspan.swarm.wishes import Wishes

HELP = """\
Pursue a goal in this git repository: `inspan goal "add rate limiting, with tests"`. An agent plans
it, you approve the plan, agents work on its steps side by side, each in a worktree of its own,
another agent reviews each result, and what passed is merged onto the branch inspan/goal-ID.
Your own branch and files are not touched. Ctrl-C stops all of it; `inspan resume ID` goes on.

  inspan goal show [ID]   how each step stands; --watch as it goes on
  inspan goal log [ID]    what was decided, a sentence for each thing
  inspan goal graph [ID]  what waits for what, for Mermaid or as --svg"""
_PROVIDER: Final = pursuing.QUEEN


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("goal", nargs="?", help="what is to be reached; `-` reads it from standard input")
    add("--plan", metavar="FILE", help="a plan in YAML or JSON, in place of a planner's")
    who = parser.add_argument_group("who")
    who.add_argument(
        "--agent",
        action="append",
        default=[],
        metavar="NAME",
        help="who works; of several each in turn (default: the first installed)",
    )
    who.add_argument("--planner", metavar="NAME", help="who plans (default: who works)")
    who.add_argument(
        "--reviewer",
        metavar="NAME",
        help="who reviews, or none (default: another than who did it, where one is there)",
    )
    how = parser.add_argument_group("how")
    how.add_argument("--yes", "-y", action="store_true", help="the plan needs no approval")
    how.add_argument(
        "--check", action="append", default=[], metavar="CMD", help="has to pass, also when merged"
    )
    how.add_argument(
        "--setup", action="append", default=[], metavar="CMD", help="sets each worktree up first"
    )
    how.add_argument(
        "--rounds",
        type=int,
        default=2,
        metavar="N",
        help="how often a reviewer may reject a step before you are asked (default: 2)",
    )
    asking.add_budget(how)
    how.add_argument("--base", default="HEAD", metavar="REV", help="what its branch starts from")
    how.add_argument("--cwd", metavar="DIR", help="the repository (default: this folder)")
    how.add_argument("--name", default="", help="what to call it")
    how.add_argument(
        "--env", action="append", default=[], metavar="NAME[=VALUE]", help="pass or set a variable"
    )
    permitting.add_arguments(parser)
    add("--detach", "-d", action="store_true", help="do not watch; print the id")
    add("--key", help="an idempotency key: the same key makes no second goal")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    settings = reach.settings()
    plan = None if args.plan is None else _plan(args.plan)
    spec = spec_of(args, settings, plan)
    with reach.control() as control:
        task = control.submit(spec, key=args.key)
        if plan is not None and task.planned == 0:
            task = control.replan(task.id, plan, version=0)
        if args.detach:
            return tell_submitted(task, settings, as_json=args.json)
        if args.json:
            return _quietly(control.wait(task.id))
        from inspan.cli.foreground import Foreground

        return Foreground(control, reach.connector(control)).run(task)


def _quietly(task: Task) -> int:
    from inspan.cli import exits

    json(task)
    return exits.of_task(task)


def spec_of(args: argparse.Namespace, settings: Settings, plan: GoalPlan | None) -> TaskSpec:
    """The goal as a task. Raises BadInput, FolderMissing."""
    goal = _words(args.goal, plan)
    wishes = _wishes(args, settings, plan)
    cwd = asking.folder(args.cwd)
    env, withheld, secrets = _brought(args, settings, wishes)
    queen = passing.dialect_of(_PROVIDER, settings)
    policy = permitting.policy_of(args, settings, queen, foreground=False)
    return TaskSpec(
        kind=TaskKind.GOAL,
        provider=_PROVIDER,
        role=_PROVIDER,
        prompt=goal,
        command=wishes.argv(),
        name=args.name,
        cwd=cwd,
        base=args.base,
        env=env,
        withheld=withheld,
        secrets=secrets,
        terminal=BY_LINES,
        # What she asks waits for a person; what her workers ask has the limit of all.
        permissions=Policy(policy.rules if policy is not None else (), None),
        patience=pursuing.patience(),
        # The usual one is each task's of hers.
        budget=asking.budget(settings, args.budget, args.over_budget, agent=False) or Budget(),
        on_crash=OnCrash.RESUME,
    )


def _words(said: str | None, plan: GoalPlan | None) -> str:
    text = sys.stdin.read() if said == "-" else said
    if text is not None and text.strip():
        return text
    if plan is None:
        raise BadInput(
            "there is no goal", hint='Say it: `inspan goal "add rate limiting, with tests"`.'
        )
    return plan.summary or "carry out a plan"


def _wishes(args: argparse.Namespace, settings: Settings, plan: GoalPlan | None) -> Wishes:
    from inspan.swarm.wishes import Wishes

    said = Wishes(
        planner=args.planner or "",
        workers=tuple(args.agent),
        rounds=asking.at_least_zero("--rounds", args.rounds),
        checks=tuple(args.check),
        setups=tuple(args.setup),
        yes=args.yes or plan is not None,
        planned=plan is not None,
        slots=settings.role("worker").limit,
        base=args.base,
    )
    own = plan is not None and all(step.provider for step in plan.steps)
    asked = None if args.reviewer is None else (args.reviewer,)
    return pursuing.whole(said, settings, os.environ.get("PATH"), asked=asked, own=own)


def _brought(
    args: argparse.Namespace, settings: Settings, wishes: Wishes
) -> tuple[dict[str, str], tuple[str, ...], dict[str, str]]:
    """The variables and keys that any of its agents needs."""
    dialects = [passing.dialect_of(_PROVIDER, settings), *pursuing.served(wishes, settings)]
    rule: EnvRule = settings.env
    for dialect in dialects:
        rule = passing.rule_of(dialect, rule)
    env, withheld = asking.environment(os.environ, rule, args.env)
    secrets: dict[str, str] = {}
    for dialect in dialects:
        secrets |= passing.secrets_of(
            dialect,
            env,
            env=os.environ,
            asked=(),
            settings=settings.secrets,
            places=reach.places(),
        )
    if home := os.environ.get("INSPAN_HOME"):
        env["INSPAN_HOME"] = home
    return env, tuple(name for name in withheld if name not in secrets), secrets


def _plan(file: str) -> GoalPlan:
    from inspan.settings import planfile

    return planfile.of_file(file)
