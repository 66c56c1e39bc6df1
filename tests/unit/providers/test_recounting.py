"""What an agent said and did becomes lines: the newest of it, short, and without its keys."""

from __future__ import annotations

import pytest

from inspan.agents import signs as s
from inspan.engine.handing import Account
from inspan.providers.recounting import Recount
from inspan.providers.redaction import Redaction

pytestmark = pytest.mark.requirement("C5", "C9")


def told(*signs: s.Sign, most: int = 10_000, secret: str = "") -> Account:
    recount = Recount(Redaction([secret]), most)
    for sign in signs:
        recount.take(sign)
    return recount.account()


def test_what_was_said_is_joined_and_tools_are_told_with_their_ends() -> None:
    account = told(
        s.Said("I am "),
        s.Said("at it.", more=True),
        s.ToolBegan("1", "Bash", "make test"),
        s.Thought("hm"),
        s.ToolEnded("1", ok=False, text="2 failed\n1 passed"),
        s.Permission("r", "Bash", "rm -r x"),
        s.ToolBegan("2", "Bash", "sleep 600"),
    )
    assert account.deeds == (
        "said: I am at it.",
        "used Bash make test\n  failed: 2 failed\n1 passed",
        "asked for permission: Bash rm -r x",
        "used Bash sleep 600\n  it had not ended",
    )
    assert (account.left_out, account.last_words) == (0, "I am at it.")


def test_the_oldest_is_left_out_first_and_that_is_told() -> None:
    account = told(*(s.Said(f"{number:03}" * 10) for number in range(100)), most=400)
    assert account.left_out == 100 - len(account.deeds)
    assert account.deeds[-1] == f"said: {'099' * 10}"
    assert sum(map(len, account.deeds)) <= 400


def test_a_key_is_taken_out_before_anything_is_cut() -> None:
    secret = "0123456789abcdef"
    account = told(
        s.Said("x" * 1495 + secret[:8]),
        s.Said(secret[8:] + "y" * 100, more=True),
        s.ToolBegan("1", "Bash", f"echo {secret}"),
        s.ToolEnded("1", ok=True, text="z" * 395 + secret),
        secret=secret,
    )
    words = "".join((*account.deeds, account.last_words))
    assert not any(secret[at : at + 4] in words for at in range(len(secret) - 3))
    assert "[secret]" in words


def test_control_characters_reach_nobody() -> None:
    account = told(s.Said("a\x1b[2Jb\x1b]0;title\x07c\x00d"))
    assert "\x1b" not in account.deeds[0]
    assert "\x00" not in account.deeds[0]
