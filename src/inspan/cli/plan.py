"""``inspan plan``: what is to be done for a goal, shown, edited and approved."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from inspan.cli import exits, reach
from inspan.cli.parsing import add_json
from inspan.cli.say import clean, json, out, styled
from inspan.errors import BadInput, Conflict, IllegalTransition, NotFound
from inspan.model.goal import as_told, longest, ordered
from inspan.model.ids import short
from inspan.model.task import TaskKind

if TYPE_CHECKING:
    from inspan.cli.reach import Reached
    from inspan.model.event import Planned
    from inspan.model.task import Task

HELP = """\
The plan of a goal: the steps, what each waits for, and how long they may take.
  show ID     the newest, as a tree; --json as data
  edit ID     change it in $VISUAL or $EDITOR, or take it from --file
  approve ID  let the goal go on that asks whether its plan is good
A plan that was changed meanwhile is not replaced, and no text that was
written is lost. As it is told it is taken again:
  inspan plan show last --json | jq .plan > plan.json
  inspan plan edit last --file plan.json"""
APPROVE: Final = "approve"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("show", "edit", "approve"))
    parser.add_argument("task", metavar="ID", help="a goal; a short id or `last` will do")
    parser.add_argument("--file", metavar="PLAN.yaml", help="edit: a plan; - for standard input")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    if args.file is not None and args.what != "edit":
        raise BadInput("--file is for `inspan plan edit`")
    with reach.control() as control:
        goal = _goal(control, args.task)
        if args.what == "edit":
            from inspan.cli import planedit

            return planedit.edit(control, goal, args.file, as_json=args.json)
        if args.what == "approve":
            return _approve(control, goal, as_json=args.json)
        return _show(control, goal, as_json=args.json)


def _goal(control: Reached, ref: str) -> Task:
    found = control.get(ref)
    if found.spec.kind is not TaskKind.GOAL:
        raise BadInput(
            f"{short(found.id)} is no goal, and only a goal has a plan",
            hint=f"`inspan show {short(found.id)}` tells what it is.",
        )
    return found


def _approve(control: Reached, goal: Task, *, as_json: bool) -> int:
    name, needs = short(goal.id), goal.needs
    if needs is None:
        raise IllegalTransition(
            f"{name} is {goal.state}: it does not ask for its plan to be approved",
            hint=f"`inspan plan show {name}` shows the plan.",
        )
    if APPROVE not in needs.options:
        raise Conflict(
            f"{name} asks another thing: {needs.question}",
            hint=f"`inspan answer {name} TEXT` answers it.",
        )
    after = control.answer(goal.id, APPROVE, question=needs.id)
    json(after) if as_json else out(f"{name}: version {after.planned} of the plan is approved")
    return exits.DONE


def _show(control: Reached, goal: Task, *, as_json: bool) -> int:
    from inspan.goals import planned_sync

    found = planned_sync(control, goal.id)
    if found is None:
        raise NotFound(
            f"{short(goal.id)} has no plan yet",
            hint=f"Its planner makes one, or you: `inspan plan edit {short(goal.id)}`.",
        )
    if as_json:
        json(_told(goal, found))
        return exits.DONE
    from inspan.telling import plans

    head = f"{short(goal.id)}: version {found.version}, by {found.by}: {plans.about(found.plan)}"
    out(styled(clean(head), "bold"))
    if found.plan.summary.strip():
        out(clean(found.plan.summary))
    _tree(found)
    return exits.DONE


def _tree(found: Planned) -> None:
    from inspan.cli.say import terminal_width
    from inspan.telling import plans
    from inspan.terminal.sanitize import one_line

    width = terminal_width()
    branches = plans.tree(found.plan)
    widest = max(len(each.rails) + len(each.step.name) for each in branches)
    times = [plans.estimate(each.step) for each in branches]
    long = max(map(len, times))
    for each, time in zip(branches, times, strict=True):
        gap = " " * (widest - len(each.rails) - len(each.step.name) + 2)
        when = f"{time:>{long}}  " if long else ""
        text = plans.what(each)
        if width is not None:
            text = one_line(text, max(10, width - widest - 2 - len(when)))
        out((each.rails + styled(each.step.name, "cyan") + gap + when + text).rstrip())


def _told(goal: Task, found: Planned) -> dict[str, object]:
    minutes = [step.minutes for step in found.plan.steps if step.minutes is not None]
    return {
        "task": goal.id,
        "version": found.version,
        "by": found.by,
        "plan": as_told(found.plan),
        "order": [step.name for step in ordered(found.plan)],
        "minutes": {"sum": sum(minutes), "longest": longest(found.plan)},
    }
