"""An agent that ends without its closing word."""

from __future__ import annotations

import signal

import pytest

from inspan.agents.endings import killed_there, silent_end
from inspan.model.agent import Ending
from inspan.model.task import Exit

pytestmark = pytest.mark.requirement("A2")


@pytest.mark.parametrize(
    "how", [Exit(signal=signal.SIGKILL), Exit(signal=signal.SIGTERM), Exit(code=128 + 9)]
)
def test_one_that_was_told_to_go_was_killed(how: Exit) -> None:
    outcome = silent_end("codex", how, "not logged in")
    assert outcome.ending is Ending.KILLED
    assert outcome.message in ("codex was killed by SIGKILL", "codex was killed by SIGTERM")


@pytest.mark.parametrize("how", [Exit(signal=signal.SIGSEGV), Exit(code=0), Exit(code=1)])
def test_any_other_has_failed(how: Exit) -> None:
    assert silent_end("codex", how, "").ending is Ending.FAILED


def test_what_it_complained_of_may_be_its_login() -> None:
    assert silent_end("codex", Exit(code=1), "not logged in").ending is Ending.LOGIN


def test_one_on_a_terminal_was_killed_only_by_a_signal_that_nobody_types() -> None:
    assert killed_there(Exit(code=0)) is None
    assert killed_there(Exit(code=130)) is None
    assert killed_there(Exit(signal=11)) is None
    for how in (Exit(signal=9), Exit(code=137), Exit(signal=15)):
        told = killed_there(how)
        assert told is not None
        assert told.ending is Ending.KILLED
        assert "begins anew" in told.hint
