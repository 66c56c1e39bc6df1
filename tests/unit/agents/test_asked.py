"""What each real agent stated when it asked, held against rules as a person writes them."""

from __future__ import annotations

import os

import pytest

from inspan.agents.dialect import Turn
from inspan.agents.registry import find
from inspan.agents.signs import Permission
from inspan.model.agent import Mode
from inspan.model.judging import Ground, Request, judge
from inspan.model.permission import Decision, Policy, rule
from tests.real.goldens import golden

pytestmark = pytest.mark.requirement("C5", "C9")

WORK = "/home/person/work"
MODES = {"acp": Mode.ACP}


def asked(agent: str, way: str, scenario: str) -> Permission:
    """The first thing that it asked."""
    dialect = find(agent)
    assert dialect is not None
    turn = Turn(prompt="do it", mode=MODES.get(way, Mode.STREAM), cwd=WORK)
    signs, _ = golden(agent, way, scenario).told(dialect.talk(turn))
    return next(sign for sign in signs if isinstance(sign, Permission))


def told(permission: Permission, *texts: str) -> Decision:
    request = Request(permission.name, permission.argv, permission.line, permission.paths)
    words = [text.partition(" ") for text in texts]
    rules = tuple(rule(Decision(word), pattern) for word, _, pattern in words)
    return judge(Policy(rules), request, Ground(WORK, os.path.normpath)).decision


@pytest.mark.parametrize(
    ("agent", "way", "scenario", "text"),
    [
        ("claude", "stdio", "permission_allow", "Bash:touch permitted.txt"),
        ("claude", "stdio", "write_file", "Write@answer.txt"),
        (
            "codex",
            "app-server",
            "permission_allow",
            "command:/bin/bash -lc 'touch permitted.txt'",
        ),
        ("gemini", "acp", "permission_allow", "execute"),
        ("opencode", "acp", "permission_allow", "execute:touch permitted.txt"),
        ("vibe", "acp", "permission_allow", "execute:touch permitted.txt"),
    ],
)
def test_a_rule_meets_what_it_states(agent: str, way: str, scenario: str, text: str) -> None:
    permission = asked(agent, way, scenario)
    assert told(permission, f"allow {text}") is Decision.ALLOW
    assert told(permission, f"deny {text}", "allow *") is Decision.DENY
    assert told(permission, f"allow {text}x") is Decision.ASK


@pytest.mark.parametrize(
    ("agent", "way"),
    [("claude", "stdio"), ("codex", "app-server"), ("gemini", "acp"), ("opencode", "acp")],
)
def test_what_is_forbidden_of_a_line_is_asked(agent: str, way: str) -> None:
    permission = asked(agent, way, "permission_allow")
    assert told(permission, "allow *", "deny *:touch **") is Decision.ASK
    assert told(permission, "allow *", "deny *@permitted.txt") is Decision.ASK
