"""A plan: steps that wait for one another, as a directed graph without a circle.

It orders names and refuses circles; it does not know what a step does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from inspan.errors import BadInput, CyclicPlan
from inspan.model.task import TaskSpec
from inspan.model.value import value

#: Of a longer circle the middle is left out.
_TOLD: Final = 20


@value(frozen=True)
class Step:
    """One task of a plan, under the name that other steps use for it."""

    name: str
    spec: TaskSpec
    after: tuple[str, ...] = ()


@value(frozen=True)
class Plan:
    """Steps that can be done in an order that respects every ``after``."""

    steps: tuple[Step, ...]

    def ordered(self) -> tuple[Step, ...]:
        """The steps, each after all that it waits for, else in the order they were written.

        Raises:
            CyclicPlan: with the circle spelled out.
            BadInput: a name is used twice, or waited for and not there.
        """
        by_name: dict[str, Step] = {}
        for step in self.steps:
            if step.name in by_name:
                raise BadInput(f"two steps are called {step.name!r}")
            by_name[step.name] = step
        links = {step.name: step.after for step in self.steps}
        return tuple(by_name[name] for name in order(links))


def order(links: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The names of ``links`` (name → what it waits for), each after what it waits for.

    Depth first and without recursion, so that a chain of ten thousand is no deeper than one.
    """
    done: dict[str, None] = {}
    for start in links:
        path: dict[str, None] = {}
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            name, left = stack.pop()
            if left:
                del path[name]
                done[name] = None
            elif name not in done:
                _refuse_circle(name, path)
                path[name] = None
                stack.append((name, True))
                stack.extend((wanted, False) for wanted in reversed(_wanted(name, links)))
    return tuple(done)


def _wanted(name: str, links: Mapping[str, Sequence[str]]) -> Sequence[str]:
    for wanted in links[name]:
        if wanted not in links:
            raise BadInput(f"{name!r} waits for {wanted!r}, which is not there")
    return links[name]


def _refuse_circle(name: str, path: Mapping[str, None]) -> None:
    if name in path:
        names = [*path, name]
        names = names[names.index(name) :]
        if len(names) > _TOLD:
            names[_TOLD // 2 : -_TOLD // 2] = ["…"]
        circle = " → ".join(names)
        raise CyclicPlan(f"these wait for one another: {circle}")
