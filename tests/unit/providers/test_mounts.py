"""What a confined program sees: the deepest word counts, and at one path the last."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspan.providers.mounts import Access, Mounts, arguments

pytestmark = pytest.mark.requirement("C9")


@pytest.fixture
def top(tmp_path: Path) -> Path:
    for name in ("home/.ssh", "home/work/sub", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "home" / ".netrc").write_text("secret")
    return tmp_path


def test_the_deepest_decides_whatever_the_order(top: Path) -> None:
    mounts = Mounts()
    mounts.put(Access.READ, [top / "home" / "work" / "sub"])
    mounts.put(Access.WRITE, [top / "home" / "work"])
    mounts.put(Access.HIDE, [top / "home"])
    assert mounts.at(top / "home" / "other") is Access.HIDE
    assert mounts.at(top / "home" / "work" / "file") is Access.WRITE
    assert mounts.at(top / "home" / "work" / "sub" / "file") is Access.READ
    assert mounts.at("/usr") is Access.READ
    assert not mounts.sees(top / "home" / ".ssh")
    assert mounts.sees(top / "home" / "work")


def test_of_two_words_on_one_path_the_last_counts(top: Path) -> None:
    mounts = Mounts()
    mounts.put(Access.HIDE, [top / "home"])
    mounts.put(Access.WRITE, [top / "home"])
    assert [(mount.path, mount.access) for mount in mounts.ordered()] == [
        (str(top / "home"), Access.WRITE)
    ]


def test_links_are_followed_and_what_is_not_there_is_passed_over(top: Path) -> None:
    (top / "link").symlink_to(top / "home" / ".ssh")
    mounts = Mounts()
    mounts.put(Access.HIDE, [top / "link", top / "nowhere"])
    assert [mount.path for mount in mounts.ordered()] == [str(top / "home" / ".ssh")]


def test_a_file_is_hidden_by_what_cannot_be_read_and_a_folder_closed_last(top: Path) -> None:
    mounts = Mounts()
    mounts.put(Access.HIDE, [top / "home", top / "home" / ".netrc"])
    mounts.put(Access.WRITE, [top / "home" / "work"])
    words = arguments(mounts)
    home, work = str(top / "home"), str(top / "home" / "work")
    assert words.index(home) < words.index(work)
    assert words[-2:] == ["--remount-ro", home]
    assert words[words.index("/dev/null") + 1] == str(top / "home" / ".netrc")
