"""Whether a task can be held to its budget: a wish that nobody can keep is refused."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite

from inspan.engine.ports import Measures, Provider
from inspan.errors import BadInput
from inspan.model.agent import is_agent
from inspan.model.budget import Budget
from inspan.model.task import TaskSpec


def with_budget(spec: TaskSpec, usual: Budget | None) -> TaskSpec:
    """``spec`` with the budget that it gets: an agent's, where it names none, is the usual one."""
    asked = spec.budget
    if asked is None:
        return replace(spec, budget=usual) if usual and is_agent(spec.provider) else spec
    return replace(spec, budget=None) if asked.is_none else spec


def check_budget(provider: Provider, spec: TaskSpec) -> None:
    """Raises BadInput where ``provider`` cannot tell in time what the task uses."""
    budget = spec.budget
    if budget is None:
        return
    figures = [one for one in (budget.cost, budget.tokens) if one is not None]
    if not figures or not all(isfinite(one) and one > 0 for one in figures):
        raise BadInput("a budget is more than nothing", hint="Write $2 or 200k, or leave it out.")
    if not isinstance(provider, Measures):
        raise BadInput(
            f"{spec.provider!r} does not tell what it uses, and so it cannot be held to a budget",
            hint="--timeout limits how long it may take.",
        )
    provider.check_budget(spec)
