"""Rules from a command line and from files, and what a person's words mean as an answer."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from inspan.agents.claude import Claude
from inspan.cli import permitting
from inspan.cli.main import parser_of
from inspan.cli.taskfile import parse
from inspan.errors import BadInput
from inspan.model.permission import Decision, Policy, Rule
from inspan.model.task import Needs, TerminalSpec
from inspan.settings import Settings, load
from inspan.telling import replying

pytestmark = pytest.mark.requirement("C9", "A11")

NEEDS = Needs("permission", "Bash: ls", ("allow", "deny"), id="r-1")
LS = Rule(Decision.ALLOW, "Bash", command="ls")
ENV = Rule(Decision.DENY, "*", path=".env")


def _args(*words: str) -> argparse.Namespace:
    parser, _ = parser_of("run")
    return parser.parse_args([*words, "--", "x"])


def _policy(*words: str, settings: Settings | None = None) -> Policy | None:
    return permitting.policy_of(_args(*words), settings or Settings(), Claude(), foreground=False)


def test_flags_become_rules_and_without_any_the_settings_decide() -> None:
    assert _policy("--deny", "*@.env", "--allow", "Bash:ls") == Policy((LS, ENV))
    assert _policy() is None
    assert _policy("--answer-within", "90") == Policy((), 90)
    assert _policy("--answer-within", "none") == Policy((), None)
    within_a_minute = Settings(permissions=Policy(expires=60))
    assert _policy("--allow", "Bash:ls", settings=within_a_minute) == Policy((LS,), 60)


def test_rules_can_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("allow: Bash:ls\nexpires: 2m\n")
    assert _policy("--permissions", str(file), "--deny", "*@.env") == Policy((LS, ENV), 120)
    assert _policy("--permissions", str(file), "--answer-within", "0") == Policy((LS,), 0)
    with pytest.raises(BadInput, match="cannot read"):
        _policy("--permissions", str(tmp_path / "none"))
    file.write_bytes(b"\xff")
    with pytest.raises(BadInput, match="UTF-8"):
        _policy("--permissions", str(file))


@pytest.mark.parametrize("words", [("--allow", "Bash"), ("--answer-within", "1m")])
def test_what_asks_for_nothing_takes_no_rules(words: tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match="only an agent"):
        permitting.policy_of(_args(*words), Settings(), None, foreground=True)


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("permissions:\n  allow: [Bash]\n  let: [x]\n", 3, "'let' is not known"),
        ("permissions:\n  allow:\n    - Bash\n    - 'Bash:'\n", 4, "is no rule"),
        ("permissions:\n  deny: {a: b}\n", 2, "not a list"),
        ("permissions:\n  expires: soon\n", 2, "duration"),
        ("permissions: Bash\n", 1, "not a mapping"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, line: int, why: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    with pytest.raises(Exception, match=why) as refused:
        load(file)
    assert f"{file}:{line}:" in str(refused.value)


def test_settings_and_task_files_have_them_too(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("permissions:\n  allow: ['Bash:ls']\n  deny: ['*@.env']\n  expires: none\n")
    settings = load(file)
    assert settings.permissions == Policy((LS, ENV), None)
    text = "- {provider: claude, prompt: p, permissions: {allow: ['Bash:ls']}}\n- run: ls\n"
    first, second = parse(text, str(tmp_path / "t.yaml"), settings, {}, TerminalSpec())
    assert first.permissions == Policy((LS,), None)
    assert second.permissions is None
    with pytest.raises(BadInput, match="only an agent"):
        parse("- {run: ls, permissions: {}}", str(tmp_path / "t"), settings, {}, TerminalSpec())


@pytest.mark.parametrize(
    ("words", "text", "told"),
    [
        ("allow", "allow", "allowed: Bash: ls"),
        ("Y", "allow", "allowed: Bash: ls"),
        ("no", "deny", "denied: Bash: ls"),
        ("use make instead", "use make instead", "denied, with 'use make instead': Bash: ls"),
    ],
)
def test_an_answer_means_an_option_or_denies(words: str, text: str, told: str) -> None:
    assert replying.meant(NEEDS, words) == text
    assert replying.told(NEEDS, text) == told


@pytest.mark.parametrize("words", ["alow", "", "always"])
def test_a_word_that_is_no_option_is_refused(words: str) -> None:
    with pytest.raises(BadInput) as refused:
        replying.meant(NEEDS, words)
    assert "allow, deny, or a sentence" in (refused.value.hint or "")


def test_where_nothing_can_be_denied_a_sentence_is_refused() -> None:
    plan = Needs("permission", "Approve plan 1?", ("approve", "reject"))
    with pytest.raises(BadInput) as refused:
        replying.meant(plan, "do it in another way")
    assert refused.value.hint == "Write approve, reject."
    assert replying.meant(plan, " Approve ") == "approve"


def test_what_is_no_permission_takes_any_words() -> None:
    question = Needs("question", "Which?", ("red", "blue"))
    assert replying.meant(question, " teal ") == " teal "
    assert replying.told(question, "teal") == "answered 'teal' to: Which?"
