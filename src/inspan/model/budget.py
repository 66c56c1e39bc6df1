"""How much a task may use, over all of its attempts. Values only."""

from __future__ import annotations

from enum import StrEnum

from inspan.model.agent import Usage
from inspan.model.value import named_value


class OverBudget(StrEnum):
    """What happens to a task that has used up its budget."""

    ASK = "ask"  #: it is interrupted, and goes on with a larger one
    STOP = "stop"  #: it has failed


@named_value
class Budget:
    """The most that a task may use; ``None`` for any amount.

    One without a figure asks for no budget where there is a usual one.
    """

    cost: float | None = None  #: US dollars
    tokens: int | None = None  #: read, from a cache too, and written
    over: OverBudget = OverBudget.ASK

    @property
    def is_none(self) -> bool:
        """Whether any amount of anything may be used."""
        return self.cost is None and self.tokens is None

    def reached(self, used: Usage) -> str:
        """What is used up, in a sentence; nothing where nothing is."""
        if self.cost is not None and used.cost is not None and used.cost >= self.cost:
            return f"it has used {_money(used.cost)} of {_money(self.cost)}"
        tokens = used.read + used.written
        if self.tokens is not None and tokens >= self.tokens:
            return f"it has used {tokens} of {self.tokens} tokens"
        return ""

    def raised(self, more: Budget) -> Budget:
        """It with the figures that ``more`` names."""
        return Budget(
            cost=self.cost if more.cost is None else more.cost,
            tokens=self.tokens if more.tokens is None else more.tokens,
            over=self.over,
        )

    def __str__(self) -> str:
        """As a person writes it."""
        cost = [] if self.cost is None else [_money(self.cost)]
        tokens = [] if self.tokens is None else [f"{self.tokens} tokens"]
        return ", ".join(cost + tokens)


def _money(amount: float) -> str:
    return f"${amount:.2f}" if amount >= 0.1 else f"${amount:.4f}"
