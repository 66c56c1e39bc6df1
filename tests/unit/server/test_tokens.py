"""Tokens at rest: no token in the file, nobody else reads it, and what is odd lets nobody in."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest

from inspan.errors import BadInput, Conflict, NotFound, SettingsInvalid
from inspan.server.tokens import MOST, Tokens
from inspan.server.visitor import Scope

pytestmark = pytest.mark.requirement("C9")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.json"


def test_a_token_is_shown_once_and_kept_as_a_hash_that_others_cannot_read(path: Path) -> None:
    tokens = Tokens(path)
    text = tokens.make("phone", [Scope.READ, Scope.WRITE], now=1.0)
    assert len(text) == len("inspan_") + 43  # 256 bits in base64url
    assert text not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    visitor = Tokens(path).visitor(text, 2.0)
    assert visitor is not None
    assert visitor.name == "token phone"
    assert visitor.scopes == {Scope.READ, Scope.WRITE}
    assert tokens.make("other", [Scope.READ], now=1.0) != text


def test_a_token_ends_when_it_said(path: Path) -> None:
    tokens = Tokens(path)
    text = tokens.make("short", [Scope.READ], now=1.0, ends=10.0)
    assert tokens.visitor(text, 9.9) is not None
    assert tokens.visitor(text, 10.0) is None


@pytest.mark.parametrize("name", ["", "Phone", "a b", "../x", "-x", "x" * 65, "é", "a\n"])
def test_a_name_that_is_none_is_refused(path: Path, name: str) -> None:
    with pytest.raises(BadInput):
        Tokens(path).make(name, [Scope.READ], now=1.0)
    assert not path.exists()


def test_what_cannot_be_done_changes_nothing(path: Path) -> None:
    tokens = Tokens(path)
    text = tokens.make("a", [Scope.READ], now=1.0)
    before = path.read_bytes()
    with pytest.raises(Conflict, match="there is a token"):
        tokens.make("a", [Scope.ADMIN], now=1.0)
    with pytest.raises(BadInput, match="without a scope"):
        tokens.make("b", [], now=1.0)
    for change in (tokens.revoke, lambda name: tokens.rotate(name, now=1.0)):
        with pytest.raises(NotFound):
            change("b")
    assert path.read_bytes() == before
    assert tokens.visitor(text, 2.0) is not None


def test_there_is_an_end_to_how_many_there_may_be(path: Path) -> None:
    tokens = Tokens(path)
    tokens.make("t0", [Scope.READ], now=1.0)
    (one,) = json.loads(path.read_text())["tokens"]
    many = [{**one, "name": f"t{number}"} for number in range(MOST)]
    path.write_text(json.dumps({"tokens": many}))
    with pytest.raises(Conflict, match="no room"):
        tokens.make("more", [Scope.READ], now=1.0)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"tokens": 1}',
        '{"tokens": [1]}',
        '{"tokens": [{}]}',
        '{"tokens": [{"name": "a", "hash": "", "scopes": ["root"], "made": 1}]}',
        '{"tokens": [{"name": "a", "hash": "", "scopes": [], "made": 1, "more": 1}]}',
    ],
)
def test_a_file_that_is_broken_lets_nobody_in_and_is_not_written_over(
    path: Path, content: str
) -> None:
    path.write_text(content)
    path.chmod(0o600)
    tokens = Tokens(path)
    with pytest.raises(SettingsInvalid, match="cannot be read"):
        tokens.visitor("inspan_" + "a" * 43, 1.0)
    with pytest.raises(SettingsInvalid):
        tokens.make("a", [Scope.READ], now=1.0)
    assert path.read_text() == content


def test_a_link_in_its_place_is_not_followed_when_it_is_written(path: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    path.with_suffix(".new").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic link"):
        Tokens(path).make("a", [Scope.READ], now=1.0)
    assert victim.read_text() == "mine"


def test_several_that_make_tokens_at_once_lose_none(path: Path) -> None:
    def make(number: int) -> None:
        Tokens(path).make(f"t{number}", [Scope.READ], now=1.0)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert {token.name for token in Tokens(path).all()} == {f"t{n}" for n in range(12)}
