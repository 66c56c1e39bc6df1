"""A secret reaches the process that it is for, and nothing that is stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.console import Console

pytestmark = pytest.mark.requirement("C2")

CANARY = "canary-0123456789-abcdef"


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console() as made:
        yield made


def _everything(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file() and not path.is_symlink()]


def test_it_is_passed_on_and_not_stored(console: Console) -> None:
    script = f'[ "$MY_TOKEN" = {CANARY[:6]}"{CANARY[6:]}" ] && echo "it has ${{#MY_TOKEN}} bytes"'
    secret = {"MY_TOKEN": CANARY}
    ran = console.run("run", "--secret", "MY_TOKEN", "--", "sh", "-c", script, env=secret)
    assert ran.stdout.decode().strip() == f"it has {len(CANARY)} bytes"
    shown = console.say("show", "--json", "last")
    assert "held:" in shown
    assert CANARY not in shown
    places = console.home
    found = [path for path in _everything(places) if CANARY.encode() in path.read_bytes()]
    assert all(path.parent.name == "secrets" for path in found), found
    assert all(path.stat().st_mode & 0o077 == 0 for path in found)


def test_one_that_is_gone_is_an_error_that_says_what_to_do(console: Console) -> None:
    ran = console.run("run", "--secret", "MY_TOKEN=file:/nowhere/key", "--", "true")
    assert ran.returncode == 125
    assert b"file:/nowhere/key" in ran.stderr
    assert b"hint" in ran.stderr


def test_what_is_no_reference_is_refused_at_once(console: Console) -> None:
    ran = console.run("run", "--secret", "MY_TOKEN=value", "--", "true")
    assert ran.returncode == 125
    assert b"file:PATH" in ran.stderr
    ran = console.run("run", "--secret", "NOT_SET_ANYWHERE", "--", "true")
    assert b"not set" in ran.stderr
