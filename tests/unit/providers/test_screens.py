"""What the rules say of the recorded agents, at each moment of which is known what they did.

The rules were written with these recordings at hand: this shows that they still fit, and nothing
of how right they are elsewhere.
"""

import json
from pathlib import Path

import pytest

from inspan.providers.screenrules import GENERIC, names
from inspan.terminal.screen import Backend, backends
from tests.fakes.labelled import misread, told

pytestmark = pytest.mark.requirement("B4")

SCREENS = Path(__file__).parents[2] / "golden" / "screens"
RECORDED = sorted(str(path.parent.relative_to(SCREENS)) for path in SCREENS.glob("*/*/labels.json"))


@pytest.mark.parametrize("backend", backends(), ids=lambda backend: backend.name)
@pytest.mark.parametrize("name", RECORDED)
def test_what_is_known_is_seen(name: str, backend: Backend) -> None:
    labels = json.loads((SCREENS / name / "labels.json").read_text())["labels"]
    assert labels
    assert misread(SCREENS / name, name.partition("/")[0], labels, backend) == []


def test_every_agent_with_rules_of_its_own_is_recorded() -> None:
    assert {*names()} - {GENERIC} == {name.partition("/")[0] for name in RECORDED}


@pytest.mark.parametrize(
    ("name", "kind", "question", "options"),
    [
        (
            "claude/permission",
            "permission",
            "Do you want to proceed?",
            ["Yes", "Yes, and always allow access to work/ from this project", "No"],
        ),
        (
            "claude/edit",
            "permission",
            "Do you want to create answer.txt?",
            ["Yes", "Yes, allow all edits during this session (shift+tab)", "No"],
        ),
        (
            "claude/question",
            "question",
            "Which colour shall it have?",
            ["Red", "Green", "Type something.", "Chat about this"],
        ),
        (
            "claude/trust",
            "question",
            "Quick safety check: Is this a project you created or one you trust?",
            ["Yes, I trust this folder", "No, exit"],
        ),
        ("claude/login", "prompt", "Not logged in · Run /login", []),
        (
            "codex/permission",
            "permission",
            "Would you like to run the following command?",
            [
                "Yes, proceed (y)",
                "Yes, and don't ask again for commands that start with `touch permitted.txt` (p)",
                "No, and tell Codex what to do differently (esc)",
            ],
        ),
        (
            "codex/trust",
            "question",
            "Trust this folder?",
            ["Trust and continue", "Back to Agent Command Center"],
        ),
        (
            "codex/login",
            "prompt",
            "Choose how you want to use Codex.",
            ["Sign in with ChatGPT", "Sign in with Device Code", "Sign in another way"],
        ),
        (
            "gemini/permission",
            "permission",
            "Allow execution of [Shell]?",
            ["Allow once", "Allow for this session", "No, suggest changes (esc)"],
        ),
        (
            "gemini/edit",
            "permission",
            "Apply this change?",
            [
                "Allow once",
                "Allow for this session",
                "Modify with external editor",
                "No, suggest changes (esc)",
            ],
        ),
        ("gemini/login", "prompt", "Enter Gemini API Key", []),
    ],
)
def test_what_is_asked_is_read(name: str, kind: str, question: str, options: list[str]) -> None:
    shown = told(SCREENS / name, name.partition("/")[0], backends()[0])
    asked = [activity.needs for _, activity in shown if activity.needs is not None]
    assert [(needs.kind, needs.question, [*needs.options]) for needs in asked] == [
        (kind, question, options)
    ]
