"""What an agent may hand in, as a child of its own task: the rules, all of them, in one place.

A child is a task that the agent of another, its parent, handed in. It works where its parent works,
with the same permissions, sandbox, environment and keys, and within its parent's limits; what asks
for more is refused and never cut down to fit. Who enforces it is not known here.
"""

from __future__ import annotations

from typing import Final

from inspan.errors import Conflict, NotGranted
from inspan.model.agent import NO_AGENTS, Mode
from inspan.model.budget import Budget
from inspan.model.task import BY_LINES, OnCrash, Patience, Task, TaskKind, TaskSpec
from inspan.model.value import named_value, replaced

#: The child's child's child is the last.
DEPTH: Final = 3
#: An agent of inspan's own that has its owner's rights; no agent may have one work for it.
_OURS: Final = ("queen",)
_RETRIES_MOST: Final = 3
_WHOLE: Final = "Its parent's are its own; leave that out."


@named_value
class Delegation:
    """How much work agents may hand in, by the user's settings."""

    #: How deep children of children go; 0: none may have any.
    depth: int = DEPTH
    #: How many children of one task may be open at once, and how many it may have in all.
    width: int = 8
    most: int = 64
    #: Agents that any agent may have work for it, beside its own kind.
    agents: tuple[str, ...] = ()


def child(spec: TaskSpec, parent: Task, depth: int, rules: Delegation) -> TaskSpec:
    """``spec`` as it is handed in for the agent of ``parent``, at ``depth``.

    Its folder, ``after`` and budget have been looked at by ``check_room`` and who calls this.
    Raises NotGranted.
    """
    of = parent.spec
    _check_who(spec, of, rules)
    _check_no_more(spec, parent)
    return replaced(
        spec,
        parent=parent.id,
        delegates=spec.delegates and depth < rules.depth,
        cwd=parent.folder,
        command=of.command if spec.provider == of.provider else (),
        env=of.env,
        withheld=of.withheld,
        secrets=of.secrets if spec.provider == of.provider else {},
        permissions=of.permissions,
        sandbox=of.sandbox,
        patience=_patience(spec.patience, of.patience),
        on_limit=of.on_limit,
        on_crash=OnCrash.ASK,
        # By depth, so that parents who wait never hold the slots that their children wait for.
        role=f"child-{depth}",
        correlation=parent.correlation,
        terminal=BY_LINES,
        labels={},
    )


def check_room(depth: int, open_now: int, in_all: int, more: int, rules: Delegation) -> None:
    """Whether a task has room for ``more`` children at ``depth``. Raises NotGranted, Conflict."""
    if depth > rules.depth:
        raise NotGranted(
            f"children go {rules.depth} deep, and this would be one at {depth}",
            hint="Do the work yourself, or ask for less in one task.",
        )
    if in_all + more > rules.most:
        raise NotGranted(f"one task has {rules.most} children at most, and {in_all} were handed in")
    if open_now + more > rules.width:
        raise Conflict(
            f"{rules.width} children may be open at once, and {open_now} are",
            hint="`wait` for one of them.",
        )


def check_answer(kind: str, text: str) -> None:
    """What an agent may answer its child. Raises NotGranted.

    What the child asks to be permitted, its parent would have had to ask as well.
    """
    if kind == "permission" and text != "deny":
        raise NotGranted(
            "an agent permits nothing to its children: a person decides that",
            hint="Leave it to a person, or answer `deny`.",
        )


def left_for(parent: Task, children: tuple[Task, ...], width: int) -> Budget | None:
    """What one more child may use; ``None`` where its parent has no budget.

    What its parent has left and no other child was given, in equal parts for those to come.
    """
    allowed = parent.allowance
    if allowed is None or allowed.is_none:
        return None
    places = max(1, width - sum(not task.done for task in children))
    cost = tokens = None
    if allowed.cost is not None:
        given = (_cost(task, allowed.cost) for task in children)
        cost = max(0.0, allowed.cost - (parent.used.cost or 0.0) - sum(given)) / places
    if allowed.tokens is not None:
        taken = (_tokens(task, allowed.tokens) for task in children)
        used = parent.used.read + parent.used.written
        tokens = max(0, allowed.tokens - used - sum(taken)) // places
    return Budget(cost=cost, tokens=tokens, over=allowed.over)


def within(asked: Budget | None, left: Budget | None) -> Budget | None:
    """The budget of a child that asked for ``asked``. Raises NotGranted."""
    if left is None:
        return asked
    if left.cost == 0 or left.tokens == 0:
        raise NotGranted("nothing is left of the budget", hint="A person can raise it.")
    if asked is None or asked.is_none:
        return left
    for wanted, most in ((asked.cost, left.cost), (asked.tokens, left.tokens)):
        if wanted is not None and most is not None and wanted > most:
            raise NotGranted(f"{asked} is more than the {left} that is left for a child")
    return left.raised(asked)


def _cost(task: Task, otherwise: float) -> float:
    allowed = task.allowance
    most = otherwise if allowed is None or allowed.cost is None else allowed.cost
    return (task.used.cost or 0.0) if task.done else most


def _tokens(task: Task, otherwise: int) -> int:
    allowed = task.allowance
    most = otherwise if allowed is None or allowed.tokens is None else allowed.tokens
    return task.used.read + task.used.written if task.done else most


def _check_who(spec: TaskSpec, of: TaskSpec, rules: Delegation) -> None:
    who = spec.provider
    if spec.kind is not TaskKind.WORK or who in _OURS:
        raise NotGranted("a goal has its owner's rights, and is handed in by a person")
    if who in NO_AGENTS:
        raise NotGranted(
            "an agent hands in no commands: what it may run is asked where it runs it",
            hint="Name an `agent`, and tell it by its `prompt`.",
        )
    if who != of.provider and who not in rules.agents:
        raise NotGranted(
            f"{of.provider} may not have {who} work for it",
            hint="A person allows it in the settings: `delegation: {agents: [...]}`.",
        )
    if spec.mode is Mode.PTY or (spec.mode is None and of.mode is Mode.PTY):
        raise NotGranted("what an agent asks on a terminal no rule is held against")


def _check_no_more(spec: TaskSpec, parent: Task) -> None:
    """Whether it asks for something that is not its parent's. What it names must be the same."""
    of = parent.spec
    asked: tuple[tuple[str, bool], ...] = (
        ("another folder", spec.cwd not in ("", parent.folder)),
        ("arguments for the agent's program", spec.command not in ((), of.command)),
        ("permissions", spec.permissions not in (None, of.permissions)),
        ("a sandbox", spec.sandbox not in (None, of.sandbox)),
        ("secrets", any(of.secrets.get(name) != ref for name, ref in spec.secrets.items())),
        ("checks, which are commands", not set(spec.checks) <= set(of.checks)),
        ("set-up, which is commands", not set(spec.setup) <= set(of.setup)),
        ("another task's conversation", bool(spec.continues or spec.conversation)),
        ("a higher priority", spec.priority > of.priority),
        (f"more than {_RETRIES_MOST} retries", spec.retries > _RETRIES_MOST),
    )
    for what, is_more in asked:
        if is_more:
            raise NotGranted(f"a child may not be given {what}", hint=_WHOLE)


def _patience(asked: Patience | None, of: Patience | None) -> Patience | None:
    """As long as its parent may take at most, and never lifted. Raises NotGranted."""
    most = None if of is None else of.deadline
    if asked is None:
        return None if of is None or most is None else replaced(of, lifted=False)
    if most is not None and (asked.deadline is None or asked.deadline > most):
        raise NotGranted(f"its parent may take {most:g} s, and so a child no longer")
    return replaced(asked, lifted=False)
