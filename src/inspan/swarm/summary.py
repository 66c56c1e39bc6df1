"""What became of a goal, for whoever comes back to it: by step, and in all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from inspan.model.agent import PartFailed, Usage
from inspan.model.goal import PlanStep
from inspan.model.pursuit import PHASE, STEP
from inspan.model.task import Task
from inspan.swarm.chronicle import Chronicle

#: So many steps have a line each; of more only those that failed.
_STEPS_MOST: Final = 40


def summary(
    chronicle: Chronicle,
    steps: Sequence[PlanStep],
    done: Mapping[str, str],
    failed: Mapping[str, PartFailed],
    own: float,
) -> str:
    """``own``: seconds of processor that leading it took."""
    lines = []
    for step in steps:
        if step.name in failed:
            lines.append(f"✗ {step.name}: {failed[step.name].why}")
        elif step.name not in done:
            lines.append(f"○ {step.name}: not begun")
        elif len(steps) <= _STEPS_MOST:
            lines.append(f"✓ {step.name}{_by(chronicle, step)}")
    used = _used(chronicle.used)
    own_each = own * 1000 / max(1, len(steps))
    lines.append(
        f"{len(done)} of {len(steps)} done{used}; leading it took {own_each:.1f} ms"
        " of processor a step"
    )
    return "\n".join(lines)


def _by(chronicle: Chronicle, step: PlanStep) -> str:
    """Who did it, in how many attempts, for how long and for how much."""
    return "".join(f": {_told(task)}" for task in _applied(chronicle, step))


def _applied(chronicle: Chronicle, step: PlanStep) -> Iterator[Task]:
    for task in chronicle.tasks.values():
        labels = task.spec.labels
        if labels.get(STEP) == step.name and labels.get(PHASE) == "apply":
            yield task


def _told(task: Task) -> str:
    attempts = f", {task.attempt} attempts" if task.attempt > 1 else ""
    ended = task.ended_at or task.created_at
    return f"{task.spec.provider}{attempts}, {ended - task.created_at:.0f} s{_used(task.used)}"


def _used(usage: Usage) -> str:
    tokens = f", {usage.read + usage.written} tokens" if usage.read or usage.written else ""
    return tokens + (f", ${usage.cost:.2f}" if usage.cost else "")
