"""The plan of a goal: what is to be done in which order, as a planner or a person says it.

It reads and checks plans, and tells which step may follow which; it starts nothing, and does not
know who carries a plan out. What it refuses goes back to whoever made the plan, a person or an
agent, so that each refusal names the step and says what would be right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, TypeAlias

from inspan.errors import BadInput, CyclicPlan
from inspan.model.plan import order
from inspan.model.task import WorkspaceKind
from inspan.model.value import fields_of, named_value

#: A plan with more steps than this is a mistake; so is one that nobody can read.
STEPS_MOST: Final = 2000
PROMPT_MOST: Final = 64 << 10
PLAN_MOST: Final = 2 << 20
#: A year: what is estimated above it is a mistake, and sums of it stay figures.
MINUTES_MOST: Final = 525_600.0
_NAME: Final = re.compile(r"[a-z0-9_.-]{1,64}", re.ASCII)
#: So much of what somebody wrote is told back to them.
_QUOTED: Final = 80


@named_value
class PlanStep:
    """One step of a plan, under the name that other steps use for it."""

    name: str
    title: str = ""
    prompt: str = ""
    #: Names of the steps whose results it needs.
    after: tuple[str, ...] = ()
    #: How long it will take, as whoever planned it thinks; ``None``: nobody said.
    minutes: float | None = None
    #: Files that it is expected to touch.
    files: tuple[str, ...] = ()
    #: Who does it; empty: the goal's worker.
    provider: str = ""
    #: What the provider ``shell`` runs; only in a person's plan.
    command: tuple[str, ...] = ()
    #: Where it works; ``None``: in a worktree.
    workspace: WorkspaceKind | None = None
    review: bool = True


@named_value
class GoalPlan:
    """What is to be done for a goal."""

    steps: tuple[PlanStep, ...]
    summary: str = ""


#: Where a part of what was told stands, as the beginning of a sentence about it.
At: TypeAlias = Callable[..., str]


def _nowhere(*_: str | int) -> str:
    return ""


def checked(plan: GoalPlan) -> GoalPlan:
    """The same plan, which can be carried out. Raises BadInput, CyclicPlan."""
    return _checked(plan, _nowhere)


def _checked(plan: GoalPlan, at: At) -> GoalPlan:
    if not 0 < len(plan.steps) <= STEPS_MOST:
        raise BadInput(f"{at('steps')}a plan has 1 to {STEPS_MOST} steps, not {len(plan.steps)}")
    _utf8(f"{at('summary')}summary", plan.summary)
    names: dict[str, int] = {}
    for number, step in enumerate(plan.steps):
        _check_name(step.name, number, names, at)
        names[step.name] = number
        _check_step(step, partial(at, "steps", number))
    for step in plan.steps:
        for wanted in step.after:
            if wanted not in names:
                raise BadInput(
                    f"{at('steps', names[step.name], 'after')}step {step.name!r}: `after` names"
                    f" {_quoted(wanted)}, and no step is called so"
                )
    try:
        ordered(plan)
    except CyclicPlan as error:
        first = error.message.partition(": ")[2].partition(" ")[0]
        raise CyclicPlan(f"{at('steps', names[first], 'after')}{error.message}") from None
    size = len(json.dumps(as_told(plan), ensure_ascii=False).encode())
    if size > PLAN_MOST:
        raise BadInput(f"{at()}the plan has {size} bytes; more than {PLAN_MOST} is too much")
    return plan


def _check_name(name: str, number: int, names: Mapping[str, int], at: At) -> None:
    where = at("steps", number, "name")
    if _NAME.fullmatch(name) is None:
        raise BadInput(
            f"{where}step {number + 1}: the name {_quoted(name)} is not one of 1 to 64 characters"
            " from a-z, 0-9, '-', '_' and '.'"
        )
    if name in names:
        raise BadInput(f"{where}two steps are called {name!r}: each needs a name of its own")


def _check_step(step: PlanStep, at: At) -> None:
    name = f"step {step.name!r}"
    for key in ("title", "prompt", "provider"):
        _utf8(f"{at(key)}{name}: {key}", getattr(step, key))
    for key in ("files", "command"):
        for item in getattr(step, key):
            _utf8(f"{at(key)}{name}: {key}", item)
    if step.command and step.provider != "shell":
        raise BadInput(f"{at('command')}{name}: `command` is only for `provider: shell`")
    if step.provider == "shell" and not step.command:
        raise BadInput(f"{at('provider')}{name}: `provider: shell` needs a `command`")
    if step.command and step.prompt:
        why = "a command takes no `prompt`; say what it is for in `title`"
        raise BadInput(f"{at('prompt')}{name}: {why}")
    if not step.command and not step.prompt.strip():
        raise BadInput(f"{at('prompt')}{name}: a `prompt` has to say what is to be done")
    size = len(step.prompt.encode())
    if size > PROMPT_MOST:
        why = f"the prompt has {size} bytes; {PROMPT_MOST} are the most"
        raise BadInput(f"{at('prompt')}{name}: {why}")
    if step.minutes is not None and not 0 <= step.minutes <= MINUTES_MOST:
        why = f"minutes are a number from 0 to {MINUTES_MOST:.0f}"
        raise BadInput(f"{at('minutes')}{name}: {why}")


def _utf8(where: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadInput(f"{where}: holds text that is not UTF-8") from None


def ordered(plan: GoalPlan) -> tuple[PlanStep, ...]:
    """The steps, each after all that it waits for, else as they are written. Raises CyclicPlan."""
    by_name = {step.name: step for step in plan.steps}
    return tuple(by_name[name] for name in order({step.name: step.after for step in plan.steps}))


def levels(plan: GoalPlan) -> tuple[tuple[PlanStep, ...], ...]:
    """Steps that may be done side by side together, one such group after the other."""
    depths: dict[str, int] = {}
    groups: list[list[PlanStep]] = []
    for step in ordered(plan):
        depth = depths[step.name] = max((depths[name] + 1 for name in step.after), default=0)
        if depth == len(groups):
            groups.append([])
        groups[depth].append(step)
    return tuple(map(tuple, groups))


def longest(plan: GoalPlan) -> float:
    """The minutes that it takes at least, however many work on it; what nobody said counts 0."""
    ends: dict[str, float] = {}
    for step in ordered(plan):
        begins = max((ends[name] for name in step.after), default=0.0)
        ends[step.name] = begins + (step.minutes or 0.0)
    return max(ends.values(), default=0.0)


# ── as JSON and YAML have it ──────────────────────────────────────────────────


def as_told(plan: GoalPlan) -> dict[str, Any]:
    """The plan for JSON or YAML, without what is at its default."""
    said = {"summary": plan.summary} if plan.summary else {}
    return {**said, "steps": [_told(step) for step in plan.steps]}


def _told(step: PlanStep) -> dict[str, Any]:
    said = ((key, getattr(step, key), default) for key, default in _DEFAULTS)
    return {key: _plain(item) for key, item, default in said if item != default}


def _plain(item: object) -> object:
    # To YAML a word of an enumeration is another thing than a text.
    if isinstance(item, WorkspaceKind):
        return item.value
    return list(item) if isinstance(item, tuple) else item


def plan_of(told: object, *, by_planner: bool, at: At = _nowhere) -> GoalPlan:
    """The plan that ``told`` holds, checked. Raises BadInput, CyclicPlan.

    ``by_planner``: an agent said it, which may not choose what programs run, nor where, nor
    whether anybody looks at the result: what it was given to read may have told it to.
    ``at`` says where a part of it stands, by the keys that lead there: ``plan.yaml:7: ``.
    """
    given = _object(told, "the plan", ("steps", "summary"), at)
    steps = given.get("steps")
    if not isinstance(steps, list):
        why = "the plan needs `steps`, a list with one object for each step"
        raise BadInput(f"{at('steps')}{why}")
    if len(steps) > STEPS_MOST:
        raise BadInput(f"{at('steps')}a plan has 1 to {STEPS_MOST} steps, not {len(steps)}")
    read = tuple(_step(item, number, by_planner, at) for number, item in enumerate(steps))
    summary = _text(given.get("summary", ""), f"{at('summary')}summary")
    return _checked(GoalPlan(steps=read, summary=summary), at)


def _step(told: object, number: int, by_planner: bool, at: At) -> PlanStep:
    at = partial(at, "steps", number)
    name = told.get("name") if isinstance(told, Mapping) else None
    where = f"step {_quoted(name)}" if isinstance(name, str) else f"step {number + 1}"
    given = _object(told, where, tuple(_KEYS), at)
    if "name" not in given:
        raise BadInput(f"{at()}{where}: it needs a `name`")
    chosen = [key for key in _NOT_A_PLANNERS if key in given] if by_planner else []
    if chosen:
        keys = ", ".join(f"`{key}`" for key in chosen)
        why = f"a planner may not set {keys}; leave that out, the goal's settings decide it"
        raise BadInput(f"{at(chosen[0])}{where}: {why}")
    read = {key: _KEYS[key](item, f"{at(key)}{where}: {key}") for key, item in given.items()}
    return PlanStep(**read)


def _object(told: object, where: str, keys: tuple[str, ...], at: At) -> dict[str, Any]:
    """What is said in it; null says nothing, as an empty line of YAML does."""
    if not isinstance(told, Mapping):
        raise BadInput(f"{at()}{where}: must be an object with the keys {', '.join(keys)}")
    unknown = next((str(key) for key in told if key not in keys), None)
    if unknown is not None:
        why = f"there is no key {_quoted(unknown)}; there are {', '.join(keys)}"
        raise BadInput(f"{at(unknown)}{where}: {why}")
    return {key: item for key, item in told.items() if item is not None}


def _text(told: object, where: str) -> str:
    if not isinstance(told, str):
        raise BadInput(f"{where}: must be a text, not {_kind(told)}")
    return told


def _words(told: object, where: str) -> tuple[str, ...]:
    if not isinstance(told, list):
        raise BadInput(f"{where}: must be a list of texts, not {_kind(told)}")
    return tuple(_text(item, where) for item in told)


def _one_or_more(told: object, where: str) -> tuple[str, ...]:
    """Agents and people write a single one without the brackets, and cannot mean another thing."""
    return (told,) if isinstance(told, str) else _words(told, where)


def _minutes(told: object, where: str) -> float:
    if isinstance(told, bool) or not isinstance(told, int | float):
        raise BadInput(f"{where}: must be a number, not {_kind(told)}")
    # An integer may be too large for a float; what is wrong stays wrong, and is refused as that.
    return float(max(-1, min(told, MINUTES_MOST + 1)))


def _flag(told: object, where: str) -> bool:
    if not isinstance(told, bool):
        raise BadInput(f"{where}: must be true or false, not {_kind(told)}")
    return told


def _workspace(told: object, where: str) -> WorkspaceKind:
    try:
        return WorkspaceKind(_text(told, where))
    except ValueError:
        raise BadInput(f"{where}: must be one of {', '.join(WorkspaceKind)}") from None


_Read: TypeAlias = Callable[[object, str], Any]
_KEYS: Final[dict[str, _Read]] = {
    "name": _text,
    "title": _text,
    "prompt": _text,
    "after": _one_or_more,
    "minutes": _minutes,
    "files": _one_or_more,
    "provider": _text,
    "command": _words,
    "workspace": _workspace,
    "review": _flag,
}
_DEFAULTS: Final = tuple((item.name, item.absent()) for item in fields_of(PlanStep) or ())
_NOT_A_PLANNERS: Final = ("provider", "command", "workspace", "review")
_WORDS: Final[dict[type, str]] = {
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


def _kind(told: object) -> str:
    """What it is instead, in a word of JSON's."""
    return _WORDS.get(type(told), type(told).__name__)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…")
