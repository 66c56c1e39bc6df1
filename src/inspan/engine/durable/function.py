"""A durable function: a name that lasts, and the code behind it; it knows nothing of running."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar

from inspan.errors import BadInput
from inspan.model.promise import checked

if TYPE_CHECKING:
    from inspan.engine.durable.context import DurableContext

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class DurableFunction(Generic[P, T]):
    """What ``@inspan.durable`` makes of an async function whose first parameter is its context.

    ``name`` is stored with each run: who renames the function gives it the old name.
    """

    name: str
    body: Callable[Concatenate[DurableContext, P], Coroutine[Any, Any, T]]

    def __post_init__(self) -> None:
        checked(self.name)
        if not inspect.iscoroutinefunction(self.body):
            raise BadInput(
                f"{self.name} is not an async function",
                hint="A durable function is written `async def name(ctx, ...)`.",
            )

    def __call__(
        self, ctx: DurableContext, /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]:
        """Run it as a part of the function whose context is ``ctx``."""
        return self.body(ctx, *args, **kwargs)
