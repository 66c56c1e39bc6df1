"""What a command line says of a sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspan.cli import confining
from inspan.cli.main import parser_of
from inspan.errors import BadInput
from inspan.model.sandbox import Network, Sandboxed, SandboxRules, TaskSandbox
from inspan.settings import Settings

pytestmark = pytest.mark.requirement("C9", "A11")

AGENTS = SandboxRules(tasks=Sandboxed.AGENTS)
ALONE = SandboxRules(tasks=Sandboxed.ALL, network=Network.NONE)
PLAIN = SandboxRules()


def _said(*words: str, rules: SandboxRules = PLAIN, agent: bool = False) -> TaskSandbox | None:
    parser, _ = parser_of("run")
    args = parser.parse_args([*words, "--", "x"])
    return confining.sandbox_of(args, Settings(sandbox=rules), agent=agent)


def test_without_a_word_the_settings_decide() -> None:
    assert _said() is None
    assert _said(rules=AGENTS) is None
    assert _said(rules=AGENTS, agent=True) == TaskSandbox()


def test_a_person_asks_for_one_or_for_none() -> None:
    assert _said("--sandbox") == TaskSandbox()
    assert _said("--no-sandbox", rules=AGENTS, agent=True) is None


def test_it_is_made_narrower() -> None:
    assert _said("--sandbox", "--network", "none") == TaskSandbox(network=Network.NONE)
    hidden = _said("--sandbox", "--hide", "notes", "--hide", "/a")
    assert hidden == TaskSandbox(hide=(str(Path.cwd() / "notes"), "/a"))
    assert _said("--hide", "/a", rules=ALONE) == TaskSandbox(network=Network.NONE, hide=("/a",))


@pytest.mark.parametrize(
    ("words", "rules", "why"),
    [
        (("--network", "none"), SandboxRules(), "about a sandbox"),
        (("--no-sandbox", "--hide", "/a"), ALONE, "about a sandbox"),
        (("--network", "host"), ALONE, "no network"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    words: tuple[str, ...], rules: SandboxRules, why: str
) -> None:
    with pytest.raises(BadInput, match=why):
        _said(*words, rules=rules)
