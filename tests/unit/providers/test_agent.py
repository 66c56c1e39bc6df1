"""An agent under the engine's eyes: real processes that play what real agents said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import replace

import anyio
import pytest

from inspan.agents.claude import Claude
from inspan.agents.codex import Codex
from inspan.agents.dialect import Dialect
from inspan.agents.pi import Pi
from inspan.agents.vibe import Vibe
from inspan.engine.ports import (
    Asks,
    BacksOff,
    Began,
    Counted,
    Finished,
    GoesOn,
    Observation,
    Order,
    Run,
)
from inspan.errors import BadInput, Conflict, FolderMissing, LoginFailed, ProgramNotFound
from inspan.model.agent import Ending, Mode, Outcome
from inspan.model.budget import Budget
from inspan.model.task import Exit, TaskSpec
from inspan.providers.agent import AgentProvider
from inspan.providers.login import CIRCUIT_OPEN, NOT_LOGGED_IN, Logins
from tests.fakes.clock import FakeClock
from tests.real.agenthome import AgentHome, agent_home
from tests.real.goldens import golden

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A2", "C4", "C5")]


@pytest.fixture
async def home() -> AsyncIterator[AgentHome]:
    async with agent_home() as made:
        yield made


async def _all(run: Run) -> list[Observation]:
    with anyio.fail_after(30):
        return [seen async for seen in run.observations()]


async def _entered(provider: AgentProvider, order: Order) -> Run:
    """Started as the engine starts it."""
    await provider.authenticate(order)
    return await provider.open(order)


def _outcome(seen: list[Observation]) -> Outcome:
    assert isinstance(seen[-1], Finished)
    assert seen[-1].outcome is not None
    return seen[-1].outcome


async def test_it_is_asked_answers_and_ends(home: AgentHome) -> None:
    seen = await _all(await home.provider().open(home.plays("answer")))
    (began,) = [item.agent for item in seen if isinstance(item, Began)]
    assert began.mode is Mode.STREAM
    counted = [item.usage for item in seen if isinstance(item, Counted)]
    assert [usage.read for usage in counted] == [120, 120]
    assert isinstance(seen[-1], Finished)
    assert seen[-1].exit == Exit(code=0)
    assert _outcome(seen).ending is Ending.DONE
    (prompt,) = home.heard()
    assert prompt["message"]["content"] == [{"type": "text", "text": "do it"}]


@pytest.mark.parametrize(
    ("scenario", "ending"),
    [
        ("unauthorized", Ending.LOGIN),
        ("quota", Ending.QUOTA),
        ("overloaded", Ending.OVERLOADED),
        ("unfinished", Ending.CUT),
    ],
)
async def test_how_it_ended_is_its_word_and_not_its_exit(
    home: AgentHome, scenario: str, ending: Ending
) -> None:
    seen = await _all(await home.provider().open(home.plays(scenario)))
    outcome = _outcome(seen)
    assert outcome.ending is ending
    assert outcome.message


async def test_it_tells_that_it_waits_by_itself(home: AgentHome) -> None:
    seen = await _all(await home.provider().open(home.plays("rate_limited_then_ok")))
    waits = [item for item in seen if isinstance(item, BacksOff)]
    assert all(item.seconds > 0 for item in waits)
    assert waits


@pytest.mark.parametrize("adopted", [False, True], ids=["all along", "by another daemon"])
async def test_a_permission_is_asked_for_and_given(home: AgentHome, adopted: bool) -> None:
    provider, order = home.provider(), home.plays("permission_allow")
    run = await provider.open(order)
    with anyio.fail_after(30):
        observations = run.observations()
        async for seen in observations:
            if isinstance(seen, Asks):
                break
        if adopted:
            await observations.aclose()  # type: ignore[attr-defined]  # the daemon is gone
            taken_up = await provider.adopt(order)
            assert taken_up is not None
            run, observations = taken_up, taken_up.observations()
            while not isinstance(seen := await anext(observations), Asks):
                continue
        assert isinstance(seen, Asks)
        assert seen.needs.kind == "permission"
        assert seen.needs.question == "Bash: touch permitted.txt"
        await run.answer(seen.needs, "allow")
        with pytest.raises(Conflict):
            await run.answer(seen.needs, "allow")
        rest = [item async for item in observations]
    assert any(isinstance(item, GoesOn) for item in rest)
    assert _outcome(rest).ok
    assert [line["type"] for line in home.heard()] == ["user", "control_response"]


async def test_what_ended_while_nobody_looked_is_read_from_the_recording(home: AgentHome) -> None:
    provider, order = home.provider(), home.plays("answer")
    await _all(await provider.open(order))
    with anyio.fail_after(30):
        taken_up = await provider.adopt(order)
        assert taken_up is not None
        seen = [item async for item in taken_up.observations()]
    assert _outcome(seen).ok
    assert len(home.heard()) == 1


async def test_a_message_is_one_more_prompt(home: AgentHome) -> None:
    run = await home.provider().open(home.plays("two_turns"))
    sent = False
    seen: list[Observation] = []
    with anyio.fail_after(30):
        async for item in run.observations():
            seen.append(item)
            if isinstance(item, Began) and not sent:
                sent = True
                await run.write(b"and then?\n")
    assert _outcome(seen).ok
    first, second = home.heard()
    assert second["message"]["content"][0]["text"] == "and then?"
    assert first != second
    with pytest.raises(Conflict):
        await run.write(b"too late")


async def test_an_interrupt_is_a_word_of_its_protocol(home: AgentHome) -> None:
    never = home.root / "never"
    run = await home.provider().open(home.plays("answer", str(never)))
    seen: list[Observation] = []
    with anyio.fail_after(30):
        async for item in run.observations():
            seen.append(item)
            if isinstance(item, Began):
                await run.interrupt()
                never.touch()
    assert home.heard()[-1]["request"] == {"subtype": "interrupt"}
    assert isinstance(seen[-1], Finished)


async def test_what_an_interrupted_one_still_demands_is_not_written(home: AgentHome) -> None:
    """It ends its turn and is to be asked whether that is all, when its input is closed."""
    never = home.root / "never"
    order = home.plays("answer", str(never), agent="pi", mode="rpc")
    run = await home.provider(dialect=Pi()).open(order)
    with anyio.fail_after(30):
        async for item in run.observations():
            if isinstance(item, Began):
                await run.interrupt()
            if isinstance(item, Counted):
                never.touch()
    assert [line["type"] for line in home.heard()] == ["get_state", "prompt", "abort"]
    assert isinstance(item, Finished)


@pytest.mark.parametrize(("agent", "mode"), [(Codex(), "app-server"), (Pi(), "rpc")])
async def test_what_its_protocol_demands_is_written(
    home: AgentHome, agent: Dialect, mode: str
) -> None:
    order = home.plays("answer", agent=agent.name, mode=mode)
    assert _outcome(await _all(await home.provider(dialect=agent).open(order))).ok
    asked = golden(agent.name, mode, "answer").lines("stdin")
    assert len(home.heard()) == len(asked)


@pytest.mark.parametrize(
    ("agent", "mode", "budget", "refused"),
    [
        (Claude(), None, Budget(cost=1, tokens=1), ""),
        (Claude(), Mode.PTY, Budget(tokens=1), "on a terminal never tells"),
        (Claude(), Mode.PTY, Budget(cost=1), "on a terminal never tells"),
        (Pi(), None, Budget(cost=1, tokens=1), ""),
        (Codex(), None, Budget(tokens=1), ""),
        (Codex(), None, Budget(cost=1), "never tells how much money"),
        (Vibe(), None, Budget(tokens=1), "tells only at its end how many tokens"),
    ],
)
async def test_a_budget_that_it_cannot_be_held_to_is_refused(
    home: AgentHome, agent: Dialect, mode: Mode | None, budget: Budget, refused: str
) -> None:
    spec = TaskSpec(provider=agent.name, prompt="do it", cwd="/", mode=mode, budget=budget)
    with pytest.raises(BadInput, match=refused) if refused else nullcontext():
        home.provider(dialect=agent).check_budget(spec)


async def test_what_is_left_of_its_budget_is_told_to_one_that_keeps_to_it(home: AgentHome) -> None:
    order = replace(home.plays("answer"), cost_most=1.25)
    (home.root / "bin" / "claude").write_text('#!/bin/sh\necho "$*" >argv\n')
    await _all(await home.provider().open(order))
    assert "--max-budget-usd 1.2500" in (home.work / "argv").read_text()


async def test_one_that_goes_without_a_word_has_failed(home: AgentHome) -> None:
    order = home.plays("answer")
    (home.root / "bin" / "claude").write_text("#!/bin/sh\necho 'Not logged in' >&2\nexit 0\n")
    seen = await _all(await home.provider().open(order))
    outcome = _outcome(seen)
    assert outcome.ending is Ending.LOGIN
    assert "Not logged in" in outcome.message


async def test_one_that_is_not_logged_in_is_not_started(home: AgentHome) -> None:
    order = home.plays("answer")
    home.tells_login("""echo '{"loggedIn": false}'; exit 1""")
    with pytest.raises(LoginFailed) as refused:
        await _entered(home.provider(Logins(FakeClock())), order)
    said = f"claude is not logged in ({NOT_LOGGED_IN}): `claude auth status` says so"
    assert refused.value.message == said
    assert "log in" in refused.value.hint
    assert not (home.root / "recordings" / order.session).exists()


async def test_its_keys_are_among_what_it_is_asked_with_and_nothing_else_is(
    home: AgentHome,
) -> None:
    order = home.plays("answer")
    asked = home.root / "asked"
    home.tells_login(f"(pwd; env) > {asked}; exit 0")
    await _all(await _entered(home.provider(Logins(FakeClock())), order))
    seen = asked.read_text().splitlines()
    assert seen[0] == "/"  # no project's files have a say
    names = {line.partition("=")[0] for line in seen[1:]}
    assert names <= {"PATH", "PWD", "OLDPWD", "SHLVL", "_", "DISABLE_AUTOUPDATER"}


async def test_being_turned_away_three_times_opens_the_breaker(home: AgentHome) -> None:
    clock = FakeClock()
    provider = home.provider(Logins(clock))
    for _ in range(3):
        seen = await _all(await _entered(provider, home.plays("unauthorized")))
        assert _outcome(seen).ending is Ending.LOGIN
    with pytest.raises(LoginFailed, match=CIRCUIT_OPEN):
        await _entered(provider, home.plays("answer"))
    await clock.advance(60)
    assert _outcome(await _all(await _entered(provider, home.plays("answer")))).ok
    assert _outcome(await _all(await _entered(provider, home.plays("answer")))).ok


async def test_one_that_is_not_installed_is_named_with_what_installs_it(home: AgentHome) -> None:
    env = {"PATH": str(home.root / "nothing")}
    spec = TaskSpec(provider="claude", prompt="x", cwd=str(home.work), env=env)
    with pytest.raises(ProgramNotFound) as refused:
        home.provider().check(spec)
    assert "npm install" in (refused.value.hint or "")


async def test_what_it_cannot_be_asked_is_refused(home: AgentHome) -> None:
    order = home.plays("answer")
    spec = TaskSpec(provider="claude", prompt=" ", cwd=str(home.work), env=dict(order.env))
    with pytest.raises(BadInput, match="nothing to ask"):
        home.provider().check(spec)
    asked = TaskSpec(
        provider="claude", prompt="x", mode=Mode.ACP, cwd=str(home.work), env=dict(order.env)
    )
    with pytest.raises(BadInput) as refused:
        home.provider(dialect=Pi()).check(asked)
    assert "stream" in (refused.value.hint or "")


async def test_where_its_folder_is_gone_nothing_is_started(home: AgentHome) -> None:
    order = home.plays("answer")
    provider = home.provider(Logins(FakeClock()))
    with pytest.raises(FolderMissing, match="gone': No such file or directory"):
        await provider.open(replace(order, cwd=str(home.root / "gone")))
    assert await home.keeper.list() == ()
    assert _outcome(await _all(await _entered(provider, order))).ending is Ending.DONE
