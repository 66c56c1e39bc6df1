"""An agent that does not read what it is sent: nothing is sent twice, and it can be stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inspan.agents.claude import Claude
from inspan.agents.dialect import Turn
from inspan.agents.signs import Permission
from inspan.clock import SystemClock
from inspan.engine.ports import Order
from inspan.errors import BadInput, InputFull, KeeperLost
from inspan.keeper.client import KeeperClient
from inspan.model.agent import Mode
from inspan.model.permission import Decision, Policy
from inspan.model.task import Needs, TerminalSpec
from inspan.providers import agentrun
from inspan.providers.agentrun import AgentRun
from inspan.providers.commands import Commands
from inspan.providers.dialogue import Dialogue
from inspan.providers.hands import Hands
from inspan.providers.permits import Permits
from inspan.providers.process import Processes
from inspan.providers.redaction import Redaction
from inspan.providers.saying import Saying
from inspan.providers.screens import Screens
from inspan.providers.workspacefiles import Fence, WorkspaceFiles
from tests.fakes.provider import FakeRun
from tests.unit.agents.conversing import opened

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C4")]

TURN = Turn(prompt="x" * 100_000, mode=Mode.STREAM)
ORDER = Order(
    session="s-1", command=(), prompt="x", cwd="/", env={}, terminal=TerminalSpec(pty=False)
)


class Slow(FakeRun):
    """Its input is full after so many pieces, until ``room`` says otherwise."""

    def __init__(self, room: int) -> None:
        super().__init__(ORDER, 1)
        self.room = room
        self.gone = False

    async def write(self, data: bytes) -> None:
        if self.gone:
            raise KeeperLost
        if not self.room:
            raise InputFull
        self.room -= 1
        await super().write(data)


def _run(inner: Slow, tmp_path: Path, dialogue: Dialogue | None = None) -> AgentRun:
    dialogue = dialogue or Dialogue(Claude().talk(TURN), Redaction(()))
    permits = Permits(Policy(), str(tmp_path))
    saying = Saying(SystemClock(), Redaction(()))
    return AgentRun(
        inner, tmp_path, dialogue, permits, saying, _no_hands(), adopted=False, ended=lambda _: None
    )


def _no_hands() -> Hands:
    files = WorkspaceFiles("/", _no_fence)
    processes = Processes(_no_keeper, Path("/"), Screens(SystemClock()))
    order = Order(session="", command=(), prompt=None, cwd="/", env={}, terminal=TerminalSpec())
    return Hands(files, Commands(processes, order, (), files))


async def _no_keeper() -> KeeperClient:
    raise AssertionError("it has nothing run")


async def _no_fence() -> Fence:
    raise AssertionError("it has nothing read")


@pytest.fixture(autouse=True)
def _in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agentrun, "_FULL_TRIES", 1)
    monkeypatch.setattr(agentrun, "_FULL_PAUSE", 0.0)


async def test_what_was_not_read_goes_later_and_nothing_goes_twice(tmp_path: Path) -> None:
    inner = Slow(1)
    run = _run(inner, tmp_path)
    await run._write_due()
    assert 0 < len(inner.typed) < len(TURN.prompt)
    inner.room = 100
    await run._write_due()
    assert inner.typed == Claude().talk(TURN).begin()
    await run._write_due()
    assert inner.typed == Claude().talk(TURN).begin()


async def test_one_that_does_not_read_is_interrupted_by_a_signal(tmp_path: Path) -> None:
    inner = Slow(0)
    await _run(inner, tmp_path).interrupt()
    assert inner.asked == ["interrupt"]


async def test_a_keeper_that_is_gone_is_told_by_the_run_and_breaks_nothing(tmp_path: Path) -> None:
    inner = Slow(0)
    inner.gone = True
    run = _run(inner, tmp_path)
    await run._write_due()
    await run.interrupt()
    assert inner.asked == ["interrupt"]


async def test_what_a_rule_allows_and_it_does_not_offer_is_left_to_a_person(tmp_path: Path) -> None:
    conversation, inner = opened(), Slow(100)
    params = {
        "sessionId": "a-1",
        "toolCall": {"toolCallId": "t", "title": "touch x", "kind": "execute"},
        "options": [{"optionId": "o", "name": "Always", "kind": "allow_always"}],
    }
    dialogue = Dialogue(conversation, Redaction(()))
    asked = {"jsonrpc": "2.0", "id": 9, "method": "session/request_permission", "params": params}
    signs = list(dialogue.heard(json.dumps(asked).encode() + b"\n"))
    (permission,) = [sign for sign in signs if isinstance(sign, Permission)]
    run = _run(inner, tmp_path, dialogue)
    assert run._takes(permission, Decision.DENY)
    assert not run._takes(permission, Decision.ALLOW)
    with pytest.raises(BadInput, match="does not offer to be allowed that once"):
        await run.answer(Needs("permission", "touch x", id=permission.request), Decision.ALLOW)
    assert inner.typed == b""
