"""A session that is followed, where something is missing."""

from __future__ import annotations

import pytest

from inspan.errors import Unable
from inspan.server import followed
from inspan.server.followed import Followed
from inspan.terminal.screen import BLIND
from tests.fakes.control import FakeControl

pytestmark = pytest.mark.anyio


async def test_without_an_emulator_nothing_is_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followed, "_backend", lambda: BLIND)
    control = FakeControl()
    task = await control.submit_running()
    control.prints(task.id, b"hello")
    seen = Followed(task, lambda _: None, lambda: 0.0)
    with pytest.raises(Unable, match="terminal shows") as told:
        await seen.refresh(control)
    assert "inspan[agents]" in told.value.hint
    assert seen.messages == []


async def test_a_session_that_was_forgotten_meanwhile_ends_the_reading() -> None:
    control = FakeControl()
    task = await control.submit_running()
    control.prints(task.id, b"hello")
    seen = Followed(task, lambda _: None, lambda: 0.0)
    await seen.refresh(control)
    before = seen.screen
    assert "hello" in before
    control.sessions.clear()
    await seen.refresh(control)
    assert seen.screen == before
