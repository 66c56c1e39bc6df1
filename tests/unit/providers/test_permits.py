"""Rules before an agent that asks: real processes that play what Claude Code really asked."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from inspan.agents.signs import Permission
from inspan.engine.ports import Asks, Decided, GoesOn, Observation, Order, Run
from inspan.errors import BadInput, Conflict
from inspan.model.agent import Mode
from inspan.model.permission import Decision, Policy, rule
from inspan.model.task import TaskSpec
from inspan.providers.permits import Permits
from tests.real.agenthome import PLAYER, AgentHome, agent_home
from tests.real.goldens import ROOT

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C4", "C9")]

ASKED = "Bash: touch permitted.txt"
OTHER = "Bash: touch other.txt"


@pytest.fixture
async def home() -> AsyncIterator[AgentHome]:
    async with agent_home() as made:
        yield made


def policy(*texts: str) -> Policy:
    rules = [text.partition(" ") for text in texts]
    return Policy(tuple(rule(Decision(word), pattern) for word, _, pattern in rules))


async def told(run: Run) -> list[Observation]:
    with anyio.fail_after(30):
        return [seen async for seen in run.observations()]


def replies(home: AgentHome) -> list[str]:
    """What it was told of each permission, in order."""
    heard = [line["response"] for line in home.heard() if line["type"] == "control_response"]
    return [reply["response"]["behavior"] for reply in heard]


@pytest.mark.parametrize(
    ("scenario", "text", "decision"),
    [
        ("permission_allow", "allow Bash:touch permitted.txt", Decision.ALLOW),
        ("permission_deny", "deny bash", Decision.DENY),
    ],
)
async def test_a_rule_answers_at_once_and_that_is_told(
    home: AgentHome, scenario: str, text: str, decision: Decision
) -> None:
    order = replace(home.plays(scenario), permissions=policy(text))
    seen = await told(await home.provider().open(order))
    (decided,) = [item for item in seen if isinstance(item, Decided)]
    assert (decided.decision, decided.rule) == (decision, text)
    assert decided.question.startswith("Bash: ")
    assert not [item for item in seen if isinstance(item, Asks)]
    assert replies(home) == [decision.value]


async def test_a_daemon_that_dies_before_its_rule_has_answered_answers_when_it_is_back(
    home: AgentHome,
) -> None:
    order = replace(home.plays("permission_allow"), permissions=policy("allow Bash"))
    provider = home.provider()
    run = await provider.open(order)
    with anyio.fail_after(30):
        observations = run.observations()
        async for seen in observations:
            if isinstance(seen, Decided):
                break
        await observations.aclose()  # type: ignore[attr-defined]  # the daemon is gone
        again = await provider.adopt(order)
        assert again is not None
    seen_then = await told(again)
    assert len([item for item in seen_then if isinstance(item, Decided)]) == 1
    assert replies(home) == ["allow"]


async def test_what_was_answered_is_not_asked_again_of_another_daemon(home: AgentHome) -> None:
    never = home.root / "never"
    order = home.plays("permission_allow", str(never))
    provider = home.provider()
    run = await provider.open(order)
    with anyio.fail_after(30):
        observations = run.observations()
        async for seen in observations:
            if isinstance(seen, Asks):
                break
        await run.answer(seen.needs, "allow")  # type: ignore[union-attr]  # it was asked
        await observations.aclose()  # type: ignore[attr-defined]  # the daemon is gone
        again = await provider.adopt(order)
        assert again is not None
        never.touch()
    seen_then = await told(again)
    assert [item for item in seen_then if isinstance(item, Asks)] == []
    assert len([item for item in seen_then if isinstance(item, GoesOn)]) == 1


def two_at_once(home: AgentHome) -> Order:
    """It asks for two things before it waits."""
    golden = ROOT / "claude" / "stdio" / "permission_allow"
    folder = home.root / "two"
    shutil.copytree(golden, folder)
    lines = (golden / "stdout").read_bytes().splitlines(keepends=True)
    at = next(index for index, line in enumerate(lines) if b"can_use_tool" in line)
    second = lines[at].replace(b"permitted.txt", b"other.txt")
    number = json.loads(second)["request_id"].encode()
    lines.insert(at + 1, second.replace(number, b"number-2", 1))
    (folder / "stdout").write_bytes(b"".join(lines))
    sent = (golden / "stdin").read_bytes().splitlines(keepends=True)
    (folder / "stdin").write_bytes(b"".join([*sent, sent[-1]]))
    meta = json.loads((golden / "meta.json").read_text())
    meta["stdin_lines_after"] = [*meta["stdin_lines_after"][:-1], at + 2, at + 2]
    (folder / "meta.json").write_text(json.dumps(meta))
    order = home.plays("permission_allow")
    command = shlex.join([sys.executable, str(PLAYER), str(folder)])
    (home.root / "bin" / "claude").write_text(f"#!/bin/sh\nexec {command}\n")
    return order


async def test_of_two_questions_each_has_its_own_answer(home: AgentHome) -> None:
    run = await home.provider().open(two_at_once(home))
    asked: list[tuple[str, int]] = []
    with anyio.fail_after(30):
        async for seen in run.observations():
            if isinstance(seen, Asks):
                asked.append((seen.needs.question, seen.needs.more))
                if seen.needs.question == OTHER or seen.needs.more:
                    await run.answer(
                        seen.needs, "deny" if seen.needs.question == OTHER else "allow"
                    )
                    with pytest.raises(Conflict):
                        await run.answer(seen.needs, "allow")
    assert asked[-2:] == [(ASKED, 1), (OTHER, 0)]
    assert replies(home) == ["allow", "deny"]


async def test_a_rule_decides_one_of_two_while_the_other_is_asked(home: AgentHome) -> None:
    order = two_at_once(home)
    rules = policy("allow Bash:touch other.txt")
    run = await home.provider().open(replace(order, permissions=rules))
    decided: list[str] = []
    with anyio.fail_after(30):
        async for seen in run.observations():
            if isinstance(seen, Decided):
                decided.append(seen.question)
            if isinstance(seen, Asks) and decided:
                assert (seen.needs.question, seen.needs.more) == (ASKED, 0)
                await run.answer(seen.needs, "not now")
            elif isinstance(seen, Asks):
                assert seen.needs.question == ASKED
    assert decided == [OTHER]
    assert sorted(replies(home)) == ["allow", "deny"]


async def test_rules_that_nobody_would_hear_are_refused(home: AgentHome) -> None:
    order = home.plays("answer")
    spec = TaskSpec(
        provider="claude",
        prompt="x",
        mode=Mode.PTY,
        cwd=str(home.work),
        env=dict(order.env),
        permissions=policy("allow Bash"),
    )
    with pytest.raises(BadInput, match="no rule is heard"):
        home.provider().check(spec)


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "a" * 256], ids=["nul", "no text", "long"])
async def test_a_path_that_no_file_can_have_is_asked_about(tmp_path: Path, name: str) -> None:
    permits = Permits(policy("allow Write@**", "deny Write@src/**"), str(tmp_path))
    fine = Permission("1", "Write", "Write a", paths=(str(tmp_path / "a"),))
    odd = Permission("2", "Write", "Write a", paths=(str(tmp_path / name),))
    assert (await permits.judged(fine)).decision is Decision.ALLOW
    assert (await permits.judged(odd)).decision is Decision.ASK
