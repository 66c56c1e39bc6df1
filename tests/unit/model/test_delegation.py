"""The rules for what agents hand in: of limits and money to the figure, and of answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inspan.errors import Conflict, NotGranted
from inspan.model.agent import Mode, Usage
from inspan.model.budget import Budget
from inspan.model.delegation import (
    Delegation,
    check_answer,
    check_room,
    child,
    left_for,
    within,
)
from inspan.model.permission import Decision, Policy, Rule
from inspan.model.sandbox import Network, TaskSandbox
from inspan.model.task import Patience, Task, TaskSpec, TaskState, Workspace, WorkspaceKind

RULES = Delegation()
NARROW = Policy((Rule(Decision.DENY, "Bash"),), 60.0)
CAGE = TaskSandbox(network=Network.NONE)


def parent(**said: object) -> Task:
    spec = TaskSpec(
        provider="claude",
        prompt="x",
        cwd="/work",
        command=("--model", "small"),
        env={"PATH": "/bin"},
        secrets={"KEY": "held:1"},
        permissions=NARROW,
        sandbox=CAGE,
        delegates=True,
    )
    return Task(id="p", spec=replace(spec, **said), state=TaskState.RUNNING, correlation="c")  # type: ignore[arg-type]


def asked(**said: object) -> TaskSpec:
    given: dict[str, object] = {"provider": "claude", "prompt": "y", "cwd": ""}
    return TaskSpec(**{**given, **said})  # type: ignore[arg-type]


def test_a_child_has_what_its_parent_has() -> None:
    made = child(asked(delegates=True, name="n"), parent(), 1, RULES)
    assert (made.permissions, made.sandbox, made.env) == (NARROW, CAGE, {"PATH": "/bin"})
    assert (made.command, made.secrets) == (("--model", "small"), {"KEY": "held:1"})
    assert (made.parent, made.cwd, made.correlation, made.name) == ("p", "/work", "c", "n")
    assert made.delegates
    assert not child(asked(delegates=True), parent(), RULES.depth, RULES).delegates


def test_another_agent_gets_no_key_and_no_argument_of_its_parents() -> None:
    made = child(asked(provider="codex"), parent(), 1, Delegation(agents=("codex",)))
    assert (made.command, made.secrets) == ((), {})
    assert (made.permissions, made.sandbox) == (NARROW, CAGE)


def test_a_child_works_in_the_worktree_of_its_parent() -> None:
    place = Workspace(WorkspaceKind.WORKTREE, "/trees/p")
    of = replace(parent(), workspace=place)
    assert child(asked(), of, 1, RULES).cwd == "/trees/p"
    with pytest.raises(NotGranted):
        child(asked(cwd="/work"), of, 1, RULES)


@pytest.mark.parametrize(
    "said",
    [
        {"sandbox": TaskSandbox()},
        {"sandbox": TaskSandbox(network=Network.NONE, read_only=True)},
        {"permissions": Policy((), 60.0)},
        {"mode": Mode.PTY},
    ],
)
def test_another_cage_is_refused_and_never_mended(said: dict[str, object]) -> None:
    with pytest.raises(NotGranted):
        child(asked(**said), parent(), 1, RULES)


def test_an_agent_on_a_terminal_has_no_children_of_that_kind() -> None:
    with pytest.raises(NotGranted):
        child(asked(), parent(mode=Mode.PTY), 1, RULES)


@pytest.mark.parametrize(
    ("room", "error"),
    [
        ((4, 0, 0, 1), NotGranted),
        ((1, 8, 8, 1), Conflict),
        ((1, 0, 0, 9), Conflict),
        ((1, 0, 64, 1), NotGranted),
        ((1, 0, 63, 2), NotGranted),
    ],
)
def test_there_is_so_much_room(room: tuple[int, int, int, int], error: type[Exception]) -> None:
    with pytest.raises(error):
        check_room(*room, RULES)
    check_room(3, 7, 63, 1, RULES)


def test_an_agent_permits_nothing() -> None:
    for word in ("allow", "always", "", "yes", "Deny", "deny "):
        with pytest.raises(NotGranted):
            check_answer("permission", word)
    check_answer("permission", "deny")
    check_answer("question", "the second one")


def test_children_share_what_is_left_of_a_budget() -> None:
    of = replace(
        parent(budget=Budget(cost=10.0, tokens=900)), usage=Usage(read=60, written=40, cost=2.0)
    )
    assert left_for(of, (), 8) == Budget(cost=1.0, tokens=100)
    one = Task(id="q", spec=asked(budget=Budget(cost=1.0, tokens=100)), state=TaskState.RUNNING)
    assert left_for(of, (one,), 8) == Budget(cost=1.0, tokens=100)
    spent = replace(one, state=TaskState.COMPLETED, usage=Usage(read=30, cost=0.5))
    assert left_for(of, (spent,), 3) == Budget(cost=2.5, tokens=256)
    # Of one that may use any amount it is not known what will be left.
    free = replace(one, spec=asked())
    assert left_for(of, (free,), 8) == Budget(cost=0.0, tokens=0)
    assert left_for(parent(), (one,), 8) is None


def test_a_child_asks_for_no_more_than_is_left() -> None:
    left = Budget(cost=1.0, tokens=100)
    assert within(None, left) == left
    assert within(Budget(), left) == left
    assert within(Budget(cost=0.5), left) == Budget(cost=0.5, tokens=100)
    for more in (Budget(cost=1.5), Budget(tokens=101)):
        with pytest.raises(NotGranted):
            within(more, left)
    with pytest.raises(NotGranted):
        within(Budget(cost=0.1), Budget(cost=0.0, tokens=5))
    assert within(Budget(cost=99.0), None) == Budget(cost=99.0)


@pytest.mark.parametrize("provider", ["queen", "shell"])
def test_an_agent_hands_in_neither_goals_nor_commands(provider: str) -> None:
    with pytest.raises(NotGranted):
        child(asked(provider=provider), parent(), 1, Delegation(agents=(provider,)))


def test_another_agent_takes_a_persons_word() -> None:
    with pytest.raises(NotGranted, match="claude may not have codex work for it"):
        child(asked(provider="codex"), parent(), 1, RULES)


def test_money_and_tokens_are_shared_each_where_there_is_a_limit() -> None:
    only_money = replace(parent(), spec=replace(parent().spec, budget=Budget(cost=8.0)))
    assert left_for(only_money, (), 2) == Budget(cost=4.0)
    only_tokens = replace(parent(), spec=replace(parent().spec, budget=Budget(tokens=100)))
    assert left_for(only_tokens, (), 4) == Budget(tokens=25)
    assert left_for(parent(), (), 4) is None


def test_a_child_takes_no_longer_than_its_parent_may() -> None:
    patient = parent(patience=Patience(deadline=60.0, lifted=True))
    assert child(asked(), patient, 1, RULES).patience == Patience(deadline=60.0)
    short = asked(patience=Patience(deadline=5.0, lifted=True))
    assert child(short, patient, 1, RULES).patience == Patience(deadline=5.0)
    for longer in (None, 61.0):
        with pytest.raises(NotGranted, match="its parent may take 60 s"):
            child(asked(patience=Patience(deadline=longer)), patient, 1, RULES)
