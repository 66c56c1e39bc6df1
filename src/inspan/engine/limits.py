"""What follows when a task has come to a limit: the fact that is due. It records none."""

from __future__ import annotations

from dataclasses import dataclass

from inspan.model import event as e
from inspan.model.agent import Outcome
from inspan.model.ids import short
from inspan.model.patience import Waits
from inspan.model.task import OnLimit, Reason, Task


@dataclass(frozen=True, slots=True, kw_only=True)
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
