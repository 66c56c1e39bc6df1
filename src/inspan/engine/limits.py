"""What follows when a task has come to a limit: the fact that is due. It records none."""

from __future__ import annotations

from typing import Final

from inspan.errors import BadInput
from inspan.model import event as e
from inspan.model.agent import Ending, Outcome
from inspan.model.budget import Budget, OverBudget
from inspan.model.ids import short
from inspan.model.patience import Waits
from inspan.model.task import OnLimit, Reason, Task
from inspan.model.value import value

#: The code of the reason why a task that has used up its budget was stopped.
BUDGET: Final = Ending.BUDGET.value


@value(frozen=True, kw_only=True)
class LimitRules:
    """What the settings say about usage limits."""

    on_limit: OnLimit
    waits: Waits


def at_usage_limit(
    task: Task, outcome: Outcome, rules: LimitRules, now: float, chance: float
) -> e.Fact | None:
    """Wait for it to be lifted, or fail for good; ``None`` where it is treated as any failure."""
    code, said = outcome.ending.value, outcome.message
    wanted = task.spec.on_limit or rules.on_limit
    if wanted is OnLimit.FAIL:
        return None
    if task.parked >= rules.waits.most:
        times = "once" if task.parked == 1 else f"{task.parked} times"
        why = Reason(
            code,
            f"{said}; it has waited {times}, and may not again",
            "`agents.waits` in the settings says how often it may.",
        )
        return e.Failed(task.attempt, why)
    wake_at = rules.waits.until(outcome.retry_at, task.parked, now, chance)
    why = Reason(code, said, f"`inspan resume {short(task.id)}` lets it go on at once.")
    return e.Parked(task.attempt, why, wake_at)


def budget_used_up(task: Task) -> Reason | None:
    """Why it must not go on, where its budget says so."""
    allowance = task.allowance
    why = "" if allowance is None else allowance.reached(task.used)
    return Reason(BUDGET, why) if why else None


def over_budget(task: Task, why: Reason) -> e.Fact:
    """What becomes of a task whose budget is used up: it is asked about, or is over."""
    allowance = task.allowance
    if allowance is not None and allowance.over is OverBudget.STOP:
        return e.Failed(task.attempt, why)
    more = f"`inspan resume {short(task.id)} --budget {_twice(allowance)}` lets it go on."
    return e.Interrupted(Reason(BUDGET, why.message, more))


def new_budget(task: Task, more: Budget | None) -> Budget | None:
    """What a task may use that is to go on. Raises BadInput where that is used up already."""
    allowance = task.allowance
    wanted = allowance if more is None else (allowance or Budget()).raised(more)
    why = "" if wanted is None else wanted.reached(task.used)
    if why:
        more_words = f"Give it more: `inspan resume {short(task.id)} --budget {_twice(wanted)}`."
        raise BadInput(f"its budget is used up: {why}", hint=more_words)
    return None if more is None else wanted


def _twice(allowance: Budget | None) -> str:
    """A larger budget, as it is typed."""
    if allowance is not None and allowance.cost is not None:
        return f"'${allowance.cost * 2:g}'"
    return "none" if allowance is None else str((allowance.tokens or 0) * 2)
