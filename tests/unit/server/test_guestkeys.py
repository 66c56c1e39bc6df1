"""The key of agents' tokens: one that others could have read, or that is no key, admits nobody."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from inspan.errors import Unable
from inspan.server.guestkeys import GuestKeys

pytestmark = pytest.mark.requirement("C9")

TASK = "0" * 26
SOCKET = Path("/nowhere/guests.sock")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "guests.key"


def test_a_token_lasts_through_a_restart_and_is_one_tasks_alone(path: Path) -> None:
    token = GuestKeys(path, SOCKET).token(TASK)
    again = GuestKeys(path, SOCKET)
    assert again.task(token) == TASK
    assert again.task(token.replace("0", "1", 1)) is None
    assert again.task(f"{token}é") is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_that_others_may_read_or_write_is_refused(path: Path, mode: int) -> None:
    GuestKeys(path, SOCKET)
    path.chmod(mode)
    with pytest.raises(Unable, match="open to others") as told:
        GuestKeys(path, SOCKET)
    assert "Remove it" in told.value.hint


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_another_length_is_refused_and_left_alone(path: Path, length: int) -> None:
    path.write_bytes(bytes(length))
    path.chmod(0o600)
    with pytest.raises(Unable, match="is not what was made"):
        GuestKeys(path, SOCKET)
    assert path.read_bytes() == bytes(length)


def test_a_key_that_cannot_be_read_or_made_is_told(path: Path) -> None:
    path.mkdir()
    with pytest.raises(Unable, match="Is a directory") as told:
        GuestKeys(path, SOCKET)
    assert str(path) in told.value.message
    with pytest.raises(Unable, match="No such file"):
        GuestKeys(path / "none" / "guests.key", SOCKET)


def test_a_link_that_somebody_put_in_the_new_keys_place_is_not_followed(path: Path) -> None:
    target = path.with_name("precious")
    target.write_text("kept")
    path.with_name(f"{path.name}.{os.getpid()}").symlink_to(target)
    with pytest.raises(Unable, match="File exists"):
        GuestKeys(path, SOCKET)
    assert target.read_text() == "kept"


def test_of_two_daemons_that_make_one_at_once_the_first_ones_stays(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = b"1" * 32
    linked = os.link

    def link(source: Path, target: Path) -> None:
        """Just before ours, another one's."""
        other = path.with_name("other")
        other.write_bytes(first)
        other.chmod(0o600)
        linked(other, target)
        linked(source, target)

    monkeypatch.setattr(os, "link", link)
    ours = GuestKeys(path, SOCKET)
    assert path.read_bytes() == first
    assert GuestKeys(path, SOCKET).task(ours.token(TASK)) == TASK
    assert not path.with_name(f"{path.name}.{os.getpid()}").exists()
