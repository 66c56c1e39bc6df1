"""What a new worktree gets beside its files: copies of what git ignores, and ports of its own."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import anyio
import pytest

from inspan.errors import WorkspaceFailed
from inspan.git.run import Git
from inspan.model.outfit import Outfit
from inspan.model.task import Task, WorkspaceKind
from inspan.workspaces import copying
from inspan.workspaces.places import Workspaces
from inspan.workspaces.ports import Leases
from tests.fakes.repository import contents, make_repository, task_in

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A2")]


def given(repository: Path) -> Path:
    """Files that git ignores, of every kind."""
    (repository / ".git" / "info" / "exclude").write_text(".env*\nsecrets/\n*.fifo\n")
    (repository / ".env").write_text("TOKEN=1\n")
    (repository / ".env").chmod(0o640)
    (repository / "part" / ".env").write_text("TOKEN=2\n")
    (repository / "secrets").mkdir()
    (repository / "secrets" / "key ä").write_text("key\n")
    (repository / ".env.plain").write_text("not asked for\n")
    return repository


async def test_only_what_is_asked_for_is_copied_with_its_mode(
    repository: Path, task: Task, root: Path
) -> None:
    before = contents(given(repository))
    places = Workspaces(root, Outfit(copy=("**/.env", "secrets/*", "file", "untracked"), ports=0))
    place = await places.prepare(task)
    tree = Path(place.path)
    assert (tree / ".env").read_text() == "TOKEN=1\n"
    assert (tree / ".env").stat().st_mode & 0o777 == 0o640
    assert (tree / "part" / ".env").read_text() == "TOKEN=2\n"
    assert (tree / "secrets" / "key ä").read_text() == "key\n"
    assert not (tree / ".env.plain").exists()
    # What git knows or would take up is no configuration of this machine's.
    assert (tree / "file").read_text() == "one\n"
    assert not (tree / "untracked").exists()
    assert await places.diff(place) == ""
    (tree / ".env").write_text("TOKEN=of the agent\n")
    await places.prepare(task)
    assert (tree / ".env").read_text() == "TOKEN=of the agent\n"
    assert await places.remove(place) is None
    assert contents(repository) == before


async def test_nothing_is_copied_unless_it_is_asked_for(
    places: Workspaces, repository: Path, task: Task
) -> None:
    given(repository)
    place = await places.prepare(task)
    assert not (Path(place.path) / ".env").exists()


async def test_no_link_is_followed_and_nothing_waits(
    repository: Path, task: Task, root: Path, tmp_path: Path
) -> None:
    given(repository)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "key").write_text("of somebody else\n")
    (repository / ".env").unlink()
    (repository / ".env").symlink_to(outside / "key")
    (repository / ".env.d").symlink_to(outside)
    os.mkfifo(repository / "a.fifo")
    wanted = ("**/.env", ".env.d/*", ".env.d", "*.fifo", "../outside/key")
    places = Workspaces(root, Outfit(copy=wanted[:4], ports=0))
    with anyio.fail_after(20):
        place = await places.prepare(task)
    tree = Path(place.path)
    assert not any(os.path.lexists(tree / name) for name in (".env", ".env.d", "a.fifo"))
    assert (tree / "part" / ".env").exists()
    await Workspaces(root, Outfit(copy=wanted[4:], ports=0)).prepare(task)
    assert list(tree.rglob("key")) == []
    assert not (root / "outside").exists()


async def test_what_the_worktree_would_not_ignore_stays_out_of_it(
    repository: Path, task: Task, root: Path
) -> None:
    (repository / ".gitignore").write_text("ignored\n.env\n")  # not committed
    (repository / ".env").write_text("TOKEN=1\n")
    places = Workspaces(root, Outfit(copy=(".env", "ignored"), ports=0))
    place = await places.prepare(task)
    assert not (Path(place.path) / ".env").exists()
    assert (Path(place.path) / "ignored").exists()
    assert await places.diff(place) == ""


async def test_it_is_bounded(repository: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given(repository)
    monkeypatch.setattr(copying, "BYTES_MOST", 10)
    places = Workspaces(root, Outfit(copy=("**/.env",), ports=0))
    with pytest.raises(WorkspaceFailed, match="copied into each worktree"):
        await places.prepare(task_in(repository, 1))
    monkeypatch.setattr(copying, "FILES_MOST", 1)
    with pytest.raises(WorkspaceFailed, match="2 files copied"):
        await places.prepare(task_in(repository, 2))


# ── ports ─────────────────────────────────────────────────────────────────────


async def test_each_has_ports_of_its_own_until_it_goes(repository: Path, root: Path) -> None:
    places = Workspaces(root, Outfit(ports=10))
    firsts = set()
    tasks = [task_in(repository, number) for number in range(6)]
    tasks.append(task_in(repository, 7, workspace=WorkspaceKind.FOLDER))
    made = [await places.prepare(task) for task in tasks]
    for place in made:
        assert place.port is not None
        assert place.ports == 10
        firsts.add(place.port)
        for port in (place.port, place.port + 9):
            with socket.socket() as server:
                server.bind(("127.0.0.1", port))
    assert all(abs(one - other) >= 10 for one in firsts for other in firsts if one != other)
    # A later attempt has the same, also in an inspan that began anew.
    assert (await Workspaces(root, Outfit(ports=10)).prepare(tasks[0])).port == made[0].port
    await places.remove(made[0])
    assert (await places.prepare(task_in(repository, 9))).port == made[0].port
    for place in made[1:]:
        await places.remove(place)
    assert len(list((root / "ports").iterdir())) == 1
    here = await places.prepare(task_in(repository, 10, workspace=WorkspaceKind.HERE))
    assert here.port is None


def test_a_port_where_somebody_listens_is_passed_over(root: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        busy = server.getsockname()[1]
        leases = Leases(root, busy - 1, busy + 3)
        assert leases.take("a" * 26, 3, lambda _: True) == (busy + 1, 3)
        with pytest.raises(WorkspaceFailed, match="no 2 ports in a row are free"):
            leases.take("b" * 26, 2, lambda _: True)
        # Of one whose workspace is gone, without a word, they are free again.
        assert leases.take("b" * 26, 2, lambda task: task != "a" * 26) == (busy + 1, 2)


def test_what_is_no_lease_is_passed_over(root: Path) -> None:
    (root / "ports").mkdir(parents=True)
    (root / "ports" / "21000").write_text("damaged")
    (root / "ports" / "x").write_text("{}")
    leases = Leases(root, 21_000, 21_900)
    first, _ = leases.take("a" * 26, 5, lambda _: True)
    assert leases.take("a" * 26, 9, lambda _: True) == (first, 5)
    leases.release("a" * 26)
    leases.release("a" * 26)


def test_a_place_for_leases_that_is_a_file_is_said(root: Path) -> None:
    root.mkdir(parents=True)
    (root / "ports").write_text("of somebody else\n")
    with pytest.raises(WorkspaceFailed, match="could not be written"):
        Leases(root).take("a" * 26, 1, lambda _: True)
    Leases(root).release("a" * 26)
    assert (root / "ports").read_text() == "of somebody else\n"


# ── what keeps files from being copied ────────────────────────────────────────


@pytest.fixture
def pair(repository: Path, tmp_path: Path) -> tuple[Git, Git]:
    """A checkout with an ignored file in a folder, and another place that ignores it too."""
    tree = make_repository(tmp_path / "tree")
    for top in (repository, tree):
        (top / ".git" / "info" / "exclude").write_text("*.env\n")
    (repository / "conf").mkdir()
    (repository / "conf" / "a.env").write_text("TOKEN=1\n")
    return Git(repository), Git(tree)


async def test_where_git_cannot_look_nothing_is_copied(
    pair: tuple[Git, Git], tmp_path: Path
) -> None:
    checkout, tree = pair
    (tmp_path / "none").mkdir()
    with pytest.raises(WorkspaceFailed, match="cannot be found: not a git repository"):
        await copying.copy_ignored(Git(tmp_path / "none"), tree, ("**/*.env",))
    assert await copying.copy_ignored(checkout, tree, ("**/*.env",)) == ("conf/a.env",)


async def test_a_list_that_does_not_end_is_refused(
    pair: tuple[Git, Git], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "git"
    program.write_text("#!/bin/sh\nfor word; do [ $word = ls-files ] && exec yes; done\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    with pytest.raises(WorkspaceFailed, match="more than can be listed") as refused:
        await copying.copy_ignored(*pair, ("**/*.env",))
    assert "Name fewer" in refused.value.hint


async def test_a_file_in_the_way_of_a_folder_is_said_and_stays(pair: tuple[Git, Git]) -> None:
    checkout, tree = pair
    (tree.folder / "conf").write_text("of the task\n")
    with pytest.raises(WorkspaceFailed, match=r"'conf/a\.env' could not be copied"):
        await copying.copy_ignored(checkout, tree, ("**/*.env",))
    assert (tree.folder / "conf").read_text() == "of the task\n"


async def test_a_file_that_may_not_be_read_is_said(
    pair: tuple[Git, Git], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is no plain file is passed over; one that the user may not read is asked for."""
    checkout, tree = pair
    real = os.open

    def guarded(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "a.env":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", guarded)
    with pytest.raises(WorkspaceFailed, match=r"could not be copied.*: Permission denied"):
        await copying.copy_ignored(checkout, tree, ("**/*.env",))
    assert not (tree.folder / "conf").exists()


async def test_of_a_file_that_grows_meanwhile_no_half_is_left(
    pair: tuple[Git, Git], monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout, tree = pair
    monkeypatch.setattr(copying, "BYTES_MOST", 100)
    real = copying._folder

    @contextmanager
    def slow(top: Path, inside: PurePosixPath, *, make: bool = False) -> Iterator[int]:
        if make:  # it was measured, and is about to be read
            (checkout.folder / "conf" / "a.env").write_text("x" * 101)
        with real(top, inside, make=make) as opened:
            yield opened

    monkeypatch.setattr(copying, "_folder", slow)
    with pytest.raises(WorkspaceFailed, match="copied into each worktree"):
        await copying.copy_ignored(checkout, tree, ("**/*.env",))
    assert list((tree.folder / "conf").iterdir()) == []
