"""``inspan py`` at a real terminal: cells that remember, keys that edit, an interrupt."""

from __future__ import annotations

import pytest

from tests.real.tmux import Pane

pytestmark = [
    pytest.mark.faces,
    pytest.mark.timeout(120),
    pytest.mark.requirement("D1", "D3", "D9"),
]


def test_a_session_at_the_prompt(pane: Pane) -> None:
    ran = pane.begin("inspan", "py")
    pane.until(r"^Python 3\.\d+.* in a session of inspan")
    pane.until("^>>> *$")
    pane.line("answer = 40 + 2")
    pane.line("answer")
    pane.until("^42$")
    pane.line("def twice(n):")
    pane.until(r"^\.\.\. *$")
    pane.line("    return 2 * n")
    pane.press("Enter")
    pane.line("twice(answer)")
    pane.until("^84$")
    pane.type("twi")
    pane.press("Tab")
    pane.until("^>>> twice$")
    pane.line("(21) + 1")
    pane.until("^43$")
    pane.line("import asyncio")
    pane.line("await asyncio.sleep(0, 'awaited')")
    pane.until("^'awaited'$")
    pane.line("while True: pass")
    pane.press("Enter")
    pane.until("^>>> while True: pass")
    pane.press("C-c")
    # The terminal itself shows the key where it is pressed as the cell begins.
    pane.until(r"^(\^C)?KeyboardInterrupt")
    pane.press("Up")
    pane.until(r"while True: pass\n(.*\n)*.*while True: pass")
    pane.press("C-c")
    pane.line("exit(5)")
    assert ran.end() == 5
    again = pane.begin("inspan", "py")
    pane.until("^>>> *$")
    pane.press("C-d")
    assert again.end() == 0
