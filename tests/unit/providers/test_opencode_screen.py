"""OpenCode at rest after its model's service refused, at sizes at which its hints are broken."""

from __future__ import annotations

import pytest

from inspan.model.activity import Doing
from inspan.providers.screenrules import rulebook
from inspan.terminal.view import View

pytestmark = pytest.mark.requirement("B4")

#: As OpenCode 1.18.33 draws them at 100, 53, 51 and 40 columns: apart, touching, or broken in the
#: middle. The first is of words until it has counted tokens.
HINTS = {
    "apart": (
        "   /tmp/one-a-abcdefgh/work                                            "
        " tab agents  ctrl+p commands",
    ),
    "touching": (
        "   /tmp/one-a-abcdefgh/   tab agentsctrl+p commands",
        "   work",
    ),
    "broken and touching": (
        "   /tmp/one-a-abcdefgh/  tab agentsctrl+p",
        "   work                            commands",
    ),
    "broken": (
        "   /tmp/one-a-     tab     ctrl+p",
        "   abcdefgh/work   agents  commands",
    ),
}


@pytest.mark.parametrize("hints", HINTS.values(), ids=HINTS)
def test_it_rests_however_its_hints_are_broken(hints: tuple[str, ...]) -> None:
    shown = (
        "  ┃",
        "  ┃  Incorrect API key provided.",
        "  ┃",
        "",
        "     ▣  Build · Scripted",
        "",
        *["  ┃"] * 3,
        "  ┃  Build · Scripted Scripted",
        f"  ╹{'▀' * 34}",
        *hints,
        "",
    )
    verdict = rulebook("opencode").judge(View(rows=shown, cursor=(5, 7), alternate=True))
    assert (verdict.doing, verdict.rule) == (Doing.IDLE, "opencode/prompt")
