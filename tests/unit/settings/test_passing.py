"""How an agent's program is connected."""

import pytest

from inspan.agents.claude import Claude
from inspan.model.agent import Mode
from inspan.model.task import TerminalSpec
from inspan.settings.passing import terminal_of

pytestmark = pytest.mark.requirement("C4")


def test_on_a_terminal_an_agent_has_one_wherever_its_output_goes() -> None:
    piped = TerminalSpec(pty=False, cols=100)
    assert terminal_of(Claude(), Mode.PTY, piped) == TerminalSpec(pty=True, cols=100)
    assert terminal_of(None, None, piped) is piped
    nobody = terminal_of(Claude(), Mode.PTY, TerminalSpec(pty=False))
    assert nobody == TerminalSpec(pty=True, cols=100, rows=30)
    person = TerminalSpec(attended=True)
    assert terminal_of(Claude(), Mode.PTY, person) == person
    for mode in (None, Mode.STREAM):
        assert terminal_of(Claude(), mode, TerminalSpec()) == TerminalSpec(
            pty=False, record_input=True
        )
