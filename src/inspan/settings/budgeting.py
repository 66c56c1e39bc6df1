"""A budget as people write it: ``$2``, ``200k``, several of them, or ``none``."""

from __future__ import annotations

from collections.abc import Sequence

from inspan.errors import BadInput
from inspan.model.budget import Budget, OverBudget
from inspan.settings.figures import amount


def budget(given: Sequence[object], over: OverBudget) -> Budget | None:
    """What a task may use; ``None`` for any amount. Raises BadInput."""
    words = [str(item) for item in given]
    if words == ["none"]:
        return None
    found = [amount(word) for word in words]
    costs = [one for one in found if isinstance(one, float)]
    tokens = [one for one in found if isinstance(one, int)]
    if len(costs) > 1 or len(tokens) > 1 or not found:
        why = "a budget has one figure in dollars and one in tokens at most"
        raise BadInput(why, hint="Write `--budget '$2' --budget 200k`.")
    if not all(found):
        raise BadInput("a budget of nothing leaves nothing to do", hint="`none` is no budget.")
    return Budget(cost=next(iter(costs), None), tokens=next(iter(tokens), None), over=over)
