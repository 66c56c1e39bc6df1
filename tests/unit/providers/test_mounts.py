"""What a confined program sees: the deepest word counts, and at one path the last."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspan.providers.mounts import Access, Mounts, arguments

pytestmark = pytest.mark.requirement("C9")


@pytest.fixture
def top(tmp_path: Path) -> Path:
    for name in ("home/.ssh", "home/project/sub", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "home" / ".netrc").write_text("secret")
    return tmp_path


def test_the_deepest_decides_whatever_the_order(top: Path) -> None:
    mounts = Mounts()
    mounts.put(Access.READ, [top / "home" / "project" / "sub"])
    mounts.put(Access.WRITE, [top / "home" / "project"])
    mounts.put(Access.HIDE, [top / "home"])
    assert mounts.at(top / "home" / "other") is Access.HIDE
    assert mounts.at(top / "home" / "project" / "file") is Access.WRITE
    assert mounts.at(top / "home" / "project" / "sub" / "file") is Access.READ
    assert mounts.at("/usr") is Access.READ
    assert not mounts.sees(top / "home" / ".ssh")
    assert mounts.sees(top / "home" / "project")


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
    mounts.put(Access.WRITE, [top / "home" / "project"])
    words = arguments(mounts)
    home, work = str(top / "home"), str(top / "home" / "project")
    assert words.index(home) < words.index(work)
    assert words[-2:] == ["--remount-ro", home]
    assert words[words.index("/dev/null") + 1] == str(top / "home" / ".netrc")


def test_a_link_shows_nothing_that_is_hidden_under_another_name(top: Path) -> None:
    """Whoever wrote it; the same thing by the name under which it is hidden can be shown."""
    (top / "elsewhere" / "sdk").symlink_to(top / "home" / ".ssh")
    mounts = Mounts()
    mounts.put(Access.HIDE, [top / "home" / ".ssh"])
    mounts.show(Access.READ, [top / "elsewhere" / "sdk"])
    assert mounts.at(top / "home" / ".ssh") is Access.HIDE
    mounts.show(Access.READ, [top / "home" / ".ssh"])
    assert mounts.at(top / "home" / ".ssh") is Access.READ


def test_a_home_that_is_a_link_is_one_home(top: Path) -> None:
    (top / "of-a-user").symlink_to(top / "home")
    (top / "home" / ".ssh" / "config").write_text("Host *")
    mounts = Mounts()
    mounts.put(Access.HIDE, [top / "of-a-user" / ".ssh"])
    mounts.show(Access.READ, [top / "of-a-user" / ".ssh" / "config"])
    assert mounts.at(top / "home" / ".ssh") is Access.HIDE
    assert mounts.at(top / "home" / ".ssh" / "config") is Access.READ
