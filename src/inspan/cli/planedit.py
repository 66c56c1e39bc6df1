"""``inspan plan edit``: a plan through an editor, or from a file. No text that was written is lost:
what cannot be stored stays in a file, and its path is told.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from inspan.cli import exits, permitting
from inspan.cli.say import clean, json, note, out
from inspan.errors import BadInput
from inspan.goals import planned_sync
from inspan.model.ids import short
from inspan.settings import editing, planfile
from inspan.telling import plans

if TYPE_CHECKING:
    from inspan.cli.reach import Reached
    from inspan.model.event import Planned
    from inspan.model.goal import GoalPlan
    from inspan.model.task import Task


def edit(control: Reached, goal: Task, file: str | None, *, as_json: bool) -> int:
    """Give ``goal`` the plan of ``file``, or what an editor makes of the one that it has."""
    found = planned_sync(control, goal.id)
    if file is None:
        return _by_hand(control, goal, found, as_json=as_json)
    return _store(control, goal, found, planfile.of_file(file), as_json=as_json)


def _by_hand(control: Reached, goal: Task, found: Planned | None, *, as_json: bool) -> int:
    if not permitting.person():
        raise BadInput(
            "there is no terminal to edit a plan on",
            hint=f"`inspan plan edit {short(goal.id)} --file PLAN.yaml` takes it from a file.",
        )
    before = planfile.written(None if found is None else found.plan)
    handle, name = tempfile.mkstemp(prefix=f"inspan-plan-{short(goal.id)}-", suffix=".yaml")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(before)
    path = Path(name)
    try:
        plan = _edited(path)
        if plan is None or (found is not None and plan == found.plan):
            note("the plan is as it was")
            status = exits.DONE
        else:
            status = _store(control, goal, found, plan, as_json=as_json)
    except BaseException:
        _keep(path, before)
        raise
    path.unlink(missing_ok=True)
    return status


def _keep(path: Path, before: str) -> None:
    """Where something was written, tell where it is."""
    try:
        changed = path.read_text(encoding="utf-8", errors="replace") != before
    except OSError:
        return
    if changed:
        note(f"what you wrote is kept in {path}")
    else:
        path.unlink(missing_ok=True)


def _edited(path: Path) -> GoalPlan | None:
    """What is in the file once the person leaves the editor with no mistake in it."""
    while True:
        editing.edit(path, "--file takes the plan from a file")
        try:
            return planfile.parsed(*planfile.text_of(str(path)))
        except BadInput as error:
            note(error.message)
            print("Edit it again? [Y/n] ", end="", file=sys.stderr, flush=True)
            answer = sys.stdin.readline()
            if not answer or answer.strip().lower().startswith("n"):
                raise


def _store(
    control: Reached, goal: Task, found: Planned | None, plan: GoalPlan, *, as_json: bool
) -> int:
    version = 0 if found is None else found.version
    after = control.replan(goal.id, plan, version=version)
    if as_json:
        json(after)
    else:
        told = f"{short(goal.id)}: version {after.planned} of the plan: {plans.about(plan)}"
        out(clean(told))
    return exits.DONE
