"""How a goal is to be pursued, as its task keeps it: the arguments of the Queen's program."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, Final

from inspan.model.value import value

#: How often work goes back to whoever did it before a person is asked.
ROUNDS: Final = 2
#: Tasks of one role at once, where nobody knows the settings.
_SLOTS: Final = 2


@value(frozen=True, kw_only=True)
class Wishes:
    """Who plans, works and reviews, by the names of providers; and how far it goes by itself."""

    planner: str
    #: Steps go to them in turn.
    workers: tuple[str, ...]
    #: Steps go to the first that did not do them; none: nobody reviews.
    reviewers: tuple[str, ...] = ()
    rounds: int = ROUNDS
    #: Commands that have to pass: of each result, and of what is merged.
    checks: tuple[str, ...] = ()
    #: Commands that set each worktree up, beside those of the settings.
    setups: tuple[str, ...] = ()
    #: The plan needs no approval.
    yes: bool = False
    #: A person hands in the plan: there is no planner to ask.
    planned: bool = False
    #: How many tasks of a role may work at once.
    slots: int = _SLOTS
    #: What its branch begins at.
    base: str = "HEAD"

    def worker(self, turn: int) -> str:
        """Who does the step whose turn it is."""
        return self.workers[turn % len(self.workers)]

    def reviewer(self, worker: str) -> str | None:
        """Who reviews what ``worker`` did: somebody else, where there is somebody else."""
        others = [name for name in self.reviewers if name != worker]
        return next(iter(others or self.reviewers), None)

    def argv(self) -> tuple[str, ...]:
        """As arguments; ``wishes`` reads them."""
        words = [f"--planner={self.planner}", f"--rounds={self.rounds}"]
        words += [f"--worker={worker}" for worker in self.workers]
        words += [f"--reviewer={reviewer}" for reviewer in self.reviewers]
        words += [f"--check={check}" for check in self.checks]
        words += [f"--setup={command}" for command in self.setups]
        words += [f"--slots={self.slots}", f"--base={self.base}"]
        words += ["--yes"] if self.yes else []
        return (*words, *(["--planned"] if self.planned else []))


def wishes(arguments: Sequence[str]) -> Wishes:
    """What ``Wishes.argv`` wrote."""
    parser = argparse.ArgumentParser(prog="inspan queen", allow_abbrev=False)
    for name in ("planner", "base"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("worker", "reviewer", "check", "setup"):
        parser.add_argument(f"--{name}", dest=f"{name}s", action="append", default=[])
    for name in ("rounds", "slots"):
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ("yes", "planned"):
        parser.add_argument(f"--{name}", action="store_true")
    said: dict[str, Any] = vars(parser.parse_args(arguments))
    many = {name: tuple(told) for name, told in said.items() if isinstance(told, list)}
    return Wishes(**{**said, **many})
