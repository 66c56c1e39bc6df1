"""What a daemon heeds of its settings from its start on: it says when they have changed since."""

from __future__ import annotations

import json

import pytest

from tests.real.console import Console

pytestmark = [pytest.mark.timeout(60), pytest.mark.requirement("C9")]


def test_a_change_is_told_of_until_the_daemon_is_replaced() -> None:
    with Console("roles: {worker: 2}\nlogs: {size: 64K, kept: 2}\n") as console:
        console.say("up")
        assert json.loads(console.say("status", "--json"))["warnings"] == []
        config = console.home / "config.yaml"
        more = "recording: {cap: 2M}\n"
        config.write_text(config.read_text() + more)
        (told,) = json.loads(console.say("status", "--json"))["warnings"]
        assert told.startswith(f"{config} was changed since the daemon started")
        console.say("up", "--restart")
        told = json.loads(console.say("status", "--json"))["warnings"]
        assert not any("was changed" in warning for warning in told)
