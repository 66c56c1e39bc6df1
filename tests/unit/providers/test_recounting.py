"""What an agent said and did becomes lines: the newest of it, short, and without its keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspan.agents import signs as s
from inspan.agents.claude import Claude
from inspan.clock import SystemClock
from inspan.engine.handing import Account, Past
from inspan.engine.ports import Finished
from inspan.errors import KeeperLost, SecretMissing, SessionNotFound
from inspan.keeper.client import KeeperClient
from inspan.model.agent import Mode
from inspan.model.ids import session_id, ulid
from inspan.model.task import Exit, Needs, TaskSpec
from inspan.providers.agent import AgentProvider
from inspan.providers.process import Processes, RecordedRun
from inspan.providers.recounting import Recount
from inspan.providers.redaction import Redaction
from inspan.providers.screens import Screens

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


async def _no_keeper() -> KeeperClient:
    raise KeeperLost


@pytest.mark.anyio
@pytest.mark.parametrize("mode", [Mode.STREAM, Mode.PTY])
async def test_where_the_keys_are_gone_too_it_is_the_recording_that_is_missed(
    tmp_path: Path, mode: Mode
) -> None:
    processes = Processes(_no_keeper, tmp_path, Screens(SystemClock()))
    spec = TaskSpec(prompt="x", mode=mode, cwd="/", secrets={"KEY": "keyring:k"})
    past = Past(session=session_id(ulid(0.0, bytes(10)), 1), spec=spec)
    with pytest.raises(SecretMissing, match="No secrets are held here"):
        await processes.values_of(spec.secrets)
    with pytest.raises(SessionNotFound):
        await AgentProvider(Claude(), processes, None).recount(past, 1000)


@pytest.mark.anyio
async def test_a_recorded_run_is_neither_typed_into_nor_answered() -> None:
    run = RecordedRun("s", Exit(0), 7)
    with pytest.raises(SessionNotFound, match="2 bytes were not typed"):
        await run.write(b"y\r")
    with pytest.raises(SessionNotFound, match="it asks nothing: question, yes"):
        await run.answer(Needs("question", "Go on?"), "yes")
    assert [seen async for seen in run.observations()] == [Finished(Exit(0), 7)]
