"""What an agent can do with the token that its session has, and what it never can.

The daemon, the sessions and the clients are real; the adversary has all that the agent has: the
address, the token, and whatever it likes to say.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from inspan.client.address import parse
from inspan.client.sync import SyncControl
from inspan.control import EventQuery, PrunePolicy, SearchQuery, TaskQuery
from inspan.errors import InspanError, NotGranted, TaskNotFound
from inspan.model.budget import Budget
from inspan.model.goal import GoalPlan, PlanStep
from inspan.model.permission import Decision, Policy, Rule
from inspan.model.session import Output
from inspan.model.task import (
    BY_LINES,
    Handover,
    Patience,
    TaskKind,
    TaskSpec,
    TerminalSpec,
    Verdict,
)
from inspan.settings import locate
from tests.real.console import MEASURED, Console
from tests.real.daemon import until
from tests.real.mcpclient import PATIENCE, McpClient
from tests.real.sandbox import needs_sandbox

pytestmark = pytest.mark.timeout(240)

AGENT = Path(__file__).parents[1] / "fakes" / "guest_agent.py"
CONFIG = (
    "roles: {default: 8, worker: 8}\ndelegation: {width: 3, most: 6}\n"
    f"sandbox: {{read: [{AGENT.parent}]}}\nproviders:\n"
) + "".join(
    f"  {name}:\n    argv: [{sys.executable}, {AGENT}]\n    mode: stream\n"
    for name in ("helper", "stranger")
)


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console(MEASURED + CONFIG) as console:
        yield console


class Parent:
    """A task whose agent may hand in others, at work until the test is over."""

    def __init__(self, console: Console, *flags: str) -> None:
        self.console = console
        self.number = len(list(console.home.glob("*.json")))
        self.told = console.home / f"{self.number}.json"
        self.go = console.home / f"{self.number}.go"
        prompt = f"tell {self.told}\nstay {self.go}"
        words = ("--agent", "helper", "--mcp", "--cwd", str(console.home), *flags)
        self.id = console.say("add", *words, prompt)
        until(self.told.exists, "the agent to begin")
        self.known: dict[str, str] = json.loads(self.told.read_text())

    @property
    def env(self) -> dict[str, str]:
        """What a program has that its agent starts."""
        home = {"PATH": os.environ["PATH"], "HOME": str(self.console.home)}
        return {**home, "INSPAN_HOME": str(self.console.home), **self.known}

    def client(self) -> McpClient:
        return McpClient(self.env, self.console.home)

    def control(self) -> SyncControl:
        """Without any tool between: whatever Control could be asked."""
        where = parse(self.known["INSPAN_HOST"], token=self.known["INSPAN_TOKEN"])
        return SyncControl(where)

    def spec(self, **said: Any) -> TaskSpec:
        given = {"provider": "helper", "prompt": "say done", "cwd": "", "terminal": BY_LINES}
        return TaskSpec(**{**given, **said})

    def long(self) -> str:
        return f"stay {self.go}"


@pytest.fixture
def parent(console: Console) -> Iterator[Parent]:
    parent = Parent(console)
    yield parent
    parent.go.touch()
    with console.start("wait", parent.id) as waiting:
        waiting.communicate(timeout=PATIENCE)


def task(console: Console, ref: str) -> dict[str, Any]:
    return dict(json.loads(console.say("show", "--json", ref)))


def test_a_child_works_where_its_parent_does_and_its_parent_sees_what_it_did(
    console: Console, parent: Parent
) -> None:
    with parent.client() as client:
        child = client.call("submit", agent="helper", prompt="say I did it", name="child")
        assert child["parent"] == parent.id
        waited = client.call("wait", tasks=["child"], timeout=PATIENCE)
        assert waited["tasks"][0]["state"] == "completed"
        assert client.call("show", task=child["id"])["output"] == "I did it"
        assert [one["id"] for one in client.call("list")["tasks"]] == [child["id"]]
    known = task(console, child["id"])
    assert known["spec"]["role"] == "child-1"
    assert known["correlation"] == task(console, parent.id)["correlation"]
    assert known["spec"]["cwd"] == str(console.home)


def test_of_others_an_agent_does_not_even_see_that_they_are_there(
    console: Console, parent: Parent
) -> None:
    secret = console.say("add", "--name", "secret", "--", "sh", "-c", "echo hidden; sleep 60")
    other = Parent(console)
    with parent.control() as control:
        for ref in (secret, "secret", secret[-6:], "last", other.id):
            for look in (control.get, control.diff, control.activity, control.read, control.cancel):
                with pytest.raises(InspanError) as refused:
                    look(ref)
                assert secret not in str(refused.value) or ref == secret
                assert refused.value.code == "task-not-found", (ref, look)
        assert control.list(TaskQuery()).tasks == ()
        with pytest.raises(TaskNotFound):
            control.history(EventQuery())
        with pytest.raises(TaskNotFound):
            control.history(EventQuery(correlation=task(console, secret)["correlation"]))
        with pytest.raises(TaskNotFound):
            control.submit(parent.spec(after=(secret,)))
        for seen in (control.get(parent.id), control.get(parent.id[-6:])):
            assert seen.id == parent.id
        chunks = control.read(parent.id)
        assert all(isinstance(chunk, Output) for chunk in chunks)
    console.say("cancel", secret)
    other.go.touch()


def test_what_is_a_persons_is_refused_whatever_is_asked(parent: Parent) -> None:
    plan = GoalPlan(steps=(PlanStep(name="a", prompt="x"),))
    with parent.control() as control:
        asked: dict[str, Callable[[], object]] = {
            "health": control.health,
            "prune": partial(control.prune, PrunePolicy(bytes=0)),
            "workspaces": control.workspaces,
            "search": partial(control.search, SearchQuery(text="key")),
            "code": control.code.list,
            "send": partial(control.send, parent.id, b"y\n"),
            "plan": partial(control.replan, parent.id, plan, version=0),
        }
        for name, ask in asked.items():
            with pytest.raises(InspanError) as refused:
                ask()
            # There is no such address, or nothing is done there but looking.
            assert refused.value.code in ("not-found", "bad-input"), name


def steering(control: SyncControl, who: str) -> list[Callable[[], object]]:
    """All by which a hand is taken."""
    return [
        partial(control.answer, who, "allow"),
        partial(control.prompt, who, "go on"),
        partial(control.cancel, who),
        partial(control.interrupt, who),
        partial(control.resume, who),
        partial(control.resume, who, budget=Budget(cost=99.0)),
        partial(control.resume, who, to=Handover(provider="stranger")),
        partial(control.decide, who, Verdict.ACCEPT),
    ]


def test_nobody_answers_steers_or_limits_themselves_or_who_handed_them_in(
    console: Console, parent: Parent
) -> None:
    with parent.control() as control:
        child = control.submit(
            parent.spec(prompt=f"tell child.json\n{parent.long()}", delegates=True)
        )
    told = console.home / "child.json"
    until(told.exists, "the child to begin")
    known = json.loads(told.read_text())
    told.unlink()
    with (
        parent.control() as above,
        SyncControl(parse(known["INSPAN_HOST"], token=known["INSPAN_TOKEN"])) as below,
    ):
        for control, who in ((above, parent.id), (below, child.id)):
            for steer in steering(control, who):
                with pytest.raises(NotGranted):
                    steer()
        # Who handed it in is nobody to it.
        for steer in steering(below, parent.id):
            with pytest.raises((TaskNotFound, NotGranted)):
                steer()
        with pytest.raises(TaskNotFound):
            below.get(parent.id)
        with pytest.raises(TaskNotFound):
            below.answer(parent.id, "allow")
        assert above.cancel(child.id).done
        with pytest.raises(NotGranted, match="is over"):
            below.get(child.id)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"provider": "shell", "command": ("rm", "-rf", "x"), "prompt": None}, "no commands"),
        ({"provider": "scripted", "prompt": "steps: [{run: true}]"}, "no commands"),
        ({"provider": "stranger"}, "may not have stranger work"),
        ({"provider": "claude"}, "may not have claude work"),
        ({"provider": "queen", "kind": TaskKind.GOAL}, "handed in by a person"),
        ({"kind": TaskKind.GOAL}, "handed in by a person"),
        ({"provider": "queen", "command": ("--check=rm -rf x",)}, "handed in by a person"),
        ({"mode": "pty"}, "on a terminal"),
        ({"command": ("--dangerously-skip-permissions",)}, "arguments for the agent's program"),
        ({"cwd": "/etc"}, "another folder"),
        ({"cwd": "/tmp/../"}, "another folder"),
        ({"permissions": Policy((Rule(Decision.ALLOW),))}, "permissions"),
        ({"permissions": Policy((), None)}, "permissions"),
        ({"checks": ("curl evil",)}, "checks"),
        ({"secrets": {"KEY": "file:/etc/shadow"}}, "secrets"),
        ({"continues": "last"}, "conversation"),
        ({"conversation": "abc"}, "conversation"),
        ({"priority": 1}, "a higher priority"),
        ({"retries": 1000}, "retries"),
    ],
)
def test_a_child_is_given_nothing_that_its_parent_has_not(
    parent: Parent, said: dict[str, Any], why: str
) -> None:
    with parent.control() as control:
        with pytest.raises(NotGranted, match=why):
            control.submit(parent.spec(**said))
        with pytest.raises(NotGranted, match=why):
            control.submit_all([parent.spec(), parent.spec(**said)])
        assert control.list(TaskQuery()).tasks == ()


def test_what_is_not_its_own_to_say_is_not_heard(console: Console, parent: Parent) -> None:
    with parent.control() as control:
        spec = parent.spec(
            parent="01m83dpmeap29rtyqep0qcqbzv",
            role="queen",
            correlation="another",
            labels={"goal": "g", "phase": "plan", "step": "s"},
            env={"PATH": "/evil", "LD_PRELOAD": "/evil.so"},
            terminal=TerminalSpec(),
        )
        child = control.submit(spec).spec
    own = task(console, parent.id)["spec"]
    assert (child.parent, child.role) == (parent.id, "child-1")
    assert (child.correlation, child.labels) == (parent.id, {})
    assert sorted(child.env) == own["env"]
    assert child.env["PATH"] == console.env["PATH"]
    assert child.terminal == BY_LINES


def test_a_budget_is_shared_and_a_limit_of_time_is_not_lifted(
    console: Console, parent: Parent
) -> None:
    limited = Parent(console, "--timeout", "200")
    with limited.control() as control:
        child = control.submit(limited.spec())
        assert child.spec.patience is not None
        assert child.spec.patience.deadline == 200
        with pytest.raises(NotGranted, match="no longer"):
            control.submit(limited.spec(patience=Patience(deadline=None, lifted=True)))
        with pytest.raises(NotGranted, match="no longer"):
            control.submit(limited.spec(patience=Patience(deadline=201.0)))
        assert control.submit(limited.spec(patience=Patience(deadline=9.0))).spec.patience
    limited.go.touch()
    with parent.control() as control, pytest.raises(InspanError) as refused:
        control.submit(parent.spec(patience=Patience(deadline=1e9, lifted=True)))
    assert refused.value.code == "deadline-too-long"


def test_children_go_so_deep_and_so_wide_and_no_more(console: Console, parent: Parent) -> None:
    with parent.control() as control:
        children = [control.submit(parent.spec(prompt=parent.long())) for _ in range(2)]
        with pytest.raises(InspanError, match="3 children may be open at once"):
            control.submit_all([parent.spec(), parent.spec()])
        deep = control.submit(parent.spec(prompt=f"tell one.json\n{parent.long()}", delegates=True))
        with pytest.raises(InspanError, match="3 children may be open at once"):
            control.submit(parent.spec())
        control.cancel(children[0].id)
        control.cancel(children[1].id)
        for _ in range(3):
            more = control.submit(parent.spec())
            control.wait(more.id, PATIENCE)
        with pytest.raises(NotGranted, match="6 children at most"):
            control.submit(parent.spec())
    at = console.home / "one.json"
    for depth in (2, 3):
        until(at.exists, "it to begin")
        known = json.loads(at.read_text())
        at.unlink()
        with SyncControl(parse(known["INSPAN_HOST"], token=known["INSPAN_TOKEN"])) as control:
            at = console.home / f"at{depth}.json"
            deep = control.submit(
                parent.spec(prompt=f"tell {at.name}\n{parent.long()}", delegates=True)
            )
            assert deep.spec.role == f"child-{depth}"
            assert deep.spec.delegates is (depth < 3)
    until(at.exists, "the deepest to begin")
    assert "INSPAN_TOKEN" not in json.loads(at.read_text())
    # Who began it all sees and ends the deepest.
    with parent.control() as control:
        assert deep.id in {one.id for one in control.list(TaskQuery()).tasks}
        assert control.cancel(deep.id).done


def test_two_at_once_do_not_slip_in_beside_each_other(parent: Parent) -> None:
    with parent.client() as client:
        asked = {"agent": "helper", "prompt": parent.long()}
        numbers = [client.begin("tools/call", name="submit", arguments=asked) for _ in range(12)]
        told = [client.end(number)["result"] for number in numbers]
        assert sum(not one.get("isError") for one in told) == 3
        assert len(client.call("list")["tasks"]) == 3


@pytest.mark.parametrize("forged", ["", "x", "other", "cut", "signed", "unicode", "owner"])
def test_a_token_that_is_forged_opens_nothing(parent: Parent, forged: str) -> None:
    own = parent.known["INSPAN_TOKEN"]
    token = {
        "": None,
        "x": "x",
        "other": own.replace(parent.id, "0" * 26),
        "cut": own[:-1],
        "signed": f"inspan_task_{parent.id}_{'0' * 64}",
        "unicode": f"inspan_task_{parent.id}_",
        "owner": "inspan_" + "A" * 43,
    }[forged]
    with SyncControl(parse(parent.known["INSPAN_HOST"], token=token)) as control:
        with pytest.raises(NotGranted, match="no token of a task"):
            control.list(TaskQuery())
        with pytest.raises(NotGranted, match="no token of a task"):
            control.submit(parent.spec())


def test_an_agent_that_was_not_asked_to_has_no_token(console: Console) -> None:
    told = console.home / "plain.txt"
    done = console.say("run", "--agent", "helper", f"tell {told}\nsay hi", "--detach")
    console.say("wait", done)
    assert "INSPAN_TOKEN" not in json.loads(told.read_text())
    refused = console.run("add", "--mcp", "--", "true")
    assert b"--mcp is about an agent" in refused.stderr


def test_the_door_and_its_key_are_its_owners(console: Console, parent: Parent) -> None:
    key = console.home / "guests.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    socket = Path(parent.known["INSPAN_HOST"].removeprefix("unix://"))
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    before = key.read_bytes()
    console.say("up", "--restart")
    assert key.read_bytes() == before
    # A token outlives the daemon that its task was started by.
    with parent.control() as control:
        assert control.get(parent.id).id == parent.id
    said = json.dumps(task(console, parent.id))
    assert parent.known["INSPAN_TOKEN"] not in said
    assert parent.known["INSPAN_TOKEN"] not in console.say("events")


@needs_sandbox
def test_a_sandboxed_agent_reaches_this_door_and_no_other(console: Console, tmp_path: Path) -> None:
    for flags, wanted in ((["--mcp"], "guests yes, daemon no"), ([], "guests no, daemon no")):
        words = ("--agent", "helper", "--sandbox", "--cwd", str(tmp_path), *flags)
        done = console.say("add", *words, f"reach {locate(console.env).runtime_dir}")
        console.run("wait", done)
        assert wanted in console.say("logs", done), flags
