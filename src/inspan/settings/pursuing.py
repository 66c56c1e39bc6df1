"""What a goal gets when it is handed in: who plans, works and reviews, and what these need.

The command line, and the daemon for a page or a program that says less, come to the same here.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from inspan.errors import BadInput, ProviderBroken
from inspan.model.budget import Budget
from inspan.model.permission import Policy
from inspan.model.task import OnCrash, Patience, TaskKind, TaskSpec
from inspan.settings import passing

if TYPE_CHECKING:
    from inspan.agents.dialect import Dialect
    from inspan.settings.values import Settings
    from inspan.swarm.wishes import Wishes

#: Who leads a goal, and her role.
QUEEN: Final = "queen"
#: In the place of a reviewer's name: nobody reviews.
NOBODY: Final = "none"
#: Those who work for a goal are stopped within this time, in seconds.
GRACE: Final = 30.0


def is_goal(spec: TaskSpec) -> bool:
    """Whether somebody leads it."""
    return spec.kind is TaskKind.GOAL and spec.provider == QUEEN


def said(spec: TaskSpec, settings: Settings) -> Wishes:
    """What the arguments of a goal say; what they leave out is empty, or the usual."""
    from inspan.swarm.wishes import ROUNDS, wishes  # noqa: PLC0415 - few tasks are goals

    usual = (
        "--planner=",
        f"--rounds={ROUNDS}",
        f"--slots={settings.role('worker').limit}",
        f"--base={spec.base}",
    )
    try:
        return wishes([*usual, *spec.command])
    except SystemExit:  # as argparse has it
        raise BadInput(
            "the arguments of a goal cannot be read: " + " ".join(spec.command),
            hint="--worker=NAME, --planner=NAME, --reviewer=NAME, --check=CMD, --setup=CMD,"
            " --rounds=N, --yes",
        ) from None


def filled(spec: TaskSpec, settings: Settings, env: Mapping[str, str]) -> TaskSpec:
    """``spec``, a goal, with all that it lacks but its variables. Raises BadInput."""
    wishes = said(spec, settings)
    if not any(word.startswith("--slots=") for word in spec.command):  # else all of it was said
        wishes = whole(wishes, settings, env.get("PATH"), asked=wishes.reviewers or None)
    return replace(
        spec,
        command=wishes.argv(),
        role=QUEEN,
        permissions=spec.permissions or Policy((), None),
        patience=spec.patience or patience(),
        # The usual one is each task's of hers.
        budget=spec.budget or Budget(),
        on_crash=OnCrash.RESUME,
    )


def patience() -> Patience:
    """She waits for others, for as long as they take."""
    return Patience(deadline=None, idle=None, grace=GRACE, lifted=True)


def whole(
    wishes: Wishes,
    settings: Settings,
    path: str | None,
    *,
    asked: tuple[str, ...] | None,
    own: bool = False,
) -> Wishes:
    """``wishes`` with somebody for each part of it.

    ``asked`` are the reviewers that somebody named, ``none`` for nobody; ``own``: a person's plan
    says of each step who does it. Raises BadInput where nobody is there, or is called so.
    """
    installed = tuple(here(settings, path))
    workers = wishes.workers or installed[:1]
    if not workers and not own:
        raise BadInput(
            "no agent is installed that could work on it",
            hint="`inspan agents` tells how each is installed; --agent names one.",
        )
    if asked is not None:
        reviewers = tuple(name for name in asked if name != NOBODY)
    else:
        others = [name for name in installed if name not in workers]
        reviewers = workers if len(workers) > 1 else (*others[:1], *workers)
    planner = wishes.planner or next(iter(workers), "")
    for name in (*workers, *reviewers, *([planner] if planner else [])):
        if passing.dialect_of(name, settings) is None:
            raise BadInput(f"no agent is called {name!r}", hint="`inspan agents` lists them.")
    return replace(wishes, planner=planner, workers=workers, reviewers=reviewers)


def here(settings: Settings, path: str | None = None) -> Iterator[str]:
    """The agents whose program is found in ``path``, else in ours, by their names."""
    from inspan.agents.registry import DIALECTS  # noqa: PLC0415 - as above
    from inspan.providers.installed import offers  # noqa: PLC0415 - as above

    for name in sorted({*DIALECTS, *settings.declared, *(offer.name for offer in offers())}):
        try:
            dialect = passing.dialect_of(name, settings)
        except ProviderBroken:
            continue
        if dialect is not None and shutil.which(dialect.program, path=path) is not None:
            yield name


def served(wishes: Wishes, settings: Settings) -> tuple[Dialect, ...]:
    """Those who work for a goal, each once: it gets the variables and keys of all of them."""
    names: Iterable[str] = (wishes.planner, *wishes.workers, *wishes.reviewers)
    found = (passing.dialect_of(name, settings) for name in dict.fromkeys(names) if name)
    return tuple(dialect for dialect in found if dialect is not None)
