import asyncio
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import anyio
import pytest

from inspan.errors import BadInput, DiskFull, GitFailed, NotARepository, WorkspaceFailed
from inspan.git.checkout import Change, Checkout, changes, checkouts
from inspan.git.inner import Link, nested, take_in
from inspan.git.removal import delete
from inspan.git.repository import Repository, check_branch, commit_of, find, is_ancestor, tip
from inspan.git.run import Git
from inspan.git.shares import shares_of
from inspan.git.snapshot import patch, tree_of
from tests.fakes.repository import contents, git, make_repository

pytestmark = pytest.mark.anyio


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repository")


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


async def test_what_git_prints_and_what_it_complains(repository: Path) -> None:
    ours = Git(repository)
    assert await ours.run("rev-parse", "--abbrev-ref", "HEAD") == "main"
    with pytest.raises(GitFailed) as failed:
        await ours.run("cat-file", "-p", "no-such-\x1b[31m\u202ething")
    assert failed.value.message == "Not a valid object name no-such-?[31m?thing"
    assert failed.value.code == "git-failed"


async def test_the_environment_is_made_from_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin", "git", "env")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("SECRET", "hidden")
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "evil")
    lines = (await Git(tmp_path).run("any")).splitlines()
    names = {line.split("=")[0] for line in lines if not line.startswith("GIT_CONFIG_")}
    assert names - {"PWD", "_", "SHLVL", "OLDPWD", "TMPDIR", "XDG_CONFIG_HOME"} == {
        *("PATH", "HOME", "LC_ALL", "GIT_TERMINAL_PROMPT", "GIT_ATTR_NOSYSTEM"),
        *("GIT_OPTIONAL_LOCKS", "GIT_NO_LAZY_FETCH", "GIT_ALLOW_PROTOCOL"),
    }
    assert "GIT_CONFIG_NOSYSTEM=1" in lines
    assert "GIT_CONFIG_KEY_0=core.hooksPath" in lines


async def test_what_takes_too_long_is_killed_with_its_helpers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(
        tmp_path / "bin",
        "git",
        f'case "$*" in *config*) exit;; esac\nsleep 300 & echo $! > {tmp_path}/pid; wait',
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with pytest.raises(GitFailed, match="took more than"):
        await Git(tmp_path).run("fetch", patience=1.0)
    with anyio.fail_after(30):
        stat = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
        while stat.exists() and ") Z " not in stat.read_text():
            await anyio.lowlevel.checkpoint()


async def test_a_git_that_is_cancelled_while_it_starts_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = tmp_path / "pid"
    program(tmp_path / "bin", "git", f"sleep 300 & echo $! > {pid}.new; mv {pid}.new {pid}; wait")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    scope = anyio.CancelScope()
    loop = asyncio.get_running_loop()
    children = Path("/proc/thread-self/children")
    before = children.read_text().split()
    until = time.monotonic() + 30

    def cut() -> None:
        """Stand in the loop's way from when git is there, and has not been heard of, until its
        helper is there too."""
        if children.read_text().split() == before and time.monotonic() < until:
            loop.call_soon(cut)
            return
        while not pid.exists() and time.monotonic() < until:
            os.sched_yield()
        scope.cancel()

    loop.call_soon(cut)
    with scope:
        await Git(tmp_path).run("rev-parse", "HEAD")
    assert scope.cancelled_caught
    shown = Path(f"/proc/{pid.read_text().strip()}/stat")
    assert not shown.exists() or ") Z " in shown.read_text()


async def test_a_helper_that_outlives_its_git_takes_its_lock_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`git worktree add -b` leaves the branch to a second git, which holds the lock on it."""
    lock = tmp_path / "lock"
    program(
        tmp_path / "bin",
        "git",
        'case "$*" in *config*) exit;; esac\n'
        f"(trap 'sleep 0.3; rm {lock}; exit' TERM; touch {lock}; while :; do sleep 0.05; done) &\n"
        "wait",
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with pytest.raises(GitFailed, match="took more than"):
        await Git(tmp_path).run("worktree", patience=1.0)
    assert not lock.exists()


async def test_a_branch_that_goes_waits_for_the_lock_that_another_git_holds(
    repository: Path,
) -> None:
    ours = Git(repository)
    git(repository, "branch", "gone")
    lock = repository / ".git" / "packed-refs.lock"
    lock.touch()
    async with anyio.create_task_group() as group:
        group.start_soon(ours.run, "branch", "-D", "gone")
        await anyio.sleep(1.5)  # longer than git would wait by itself
        lock.unlink()
    assert await tip(ours, "refs/heads/gone") is None


async def test_what_says_too_much_is_cut(repository: Path) -> None:
    said = await Git(repository).ask("cat-file", "-p", "HEAD", most=10)
    assert said.cut
    assert len(said.out) == 10


async def test_the_helpers_of_a_transport_are_out_of_reach(
    repository: Path, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    for url in (
        f"ext::sh -c touch% {ran}",
        str(repository),
        "ssh://localhost/x",
        "http://[::1]:1/",
    ):
        with pytest.raises(GitFailed, match="not allowed"):
            await Git(repository).run("ls-remote", "--", url)
    assert not ran.exists()


async def test_no_git_and_no_folder_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(GitFailed, match="could not be started"):
        await Git(tmp_path / "none").run("version")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitFailed, match="could not be started"):
        await Git(tmp_path).run("version")


async def test_a_nul_is_said(tmp_path: Path) -> None:
    with pytest.raises(GitFailed, match="NUL"):
        await Git(tmp_path).run("log", "a\0b")


async def test_an_old_git_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Before 2.31, rev-parse repeats what it does not know.
    program(tmp_path / "bin", "git", "printf '%s\\n' --path-format=absolute /a /b")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with pytest.raises(GitFailed, match="older than"):
        await find(tmp_path)


async def test_a_repository_is_found_from_inside(repository: Path, tmp_path: Path) -> None:
    found, inside = await find(repository / "part")
    assert (found.top, found.common, inside) == (repository, repository / ".git", "part/")
    with pytest.raises(NotARepository):
        await find(tmp_path)


async def test_names_become_commits(repository: Path) -> None:
    ours = Git(repository)
    head = git(repository, "rev-parse", "HEAD")
    assert await commit_of(ours, "main") == head
    assert await commit_of(ours, head[:8]) == head
    assert await tip(ours, "refs/heads/main") == head
    assert await tip(ours, "refs/heads/none") is None
    assert await is_ancestor(ours, head, head)
    for name in ("none", "--help", "-h", "", "HEAD:file", "main..main", "^main", "--all"):
        with pytest.raises(BadInput):
            await commit_of(ours, name)


async def test_names_of_branches(repository: Path) -> None:
    assert await check_branch(Git(repository), "inspan/abc") == "inspan/abc"
    for name in ("-b", "--orphan", "a..b", "a b", "a.lock", "@{-1}", "HEAD", "", "a\nb", "x~1"):
        with pytest.raises(BadInput):
            await check_branch(Git(repository), name)


async def test_a_snapshot_leaves_the_index_alone(repository: Path) -> None:
    ours = Git(repository)
    index = (repository / ".git" / "index").read_bytes()
    tree = await tree_of(ours)
    assert (repository / ".git" / "index").read_bytes() == index
    assert git(repository, "show", f"{tree}:untracked") == "untracked"
    assert git(repository, "show", f"{tree}:file") == "changed"
    names = git(repository, "ls-tree", "--name-only", tree).split()
    assert names == [".gitignore", "file", "part", "staged", "task.json", "untracked"]


async def test_a_patch_that_is_too_large_is_told_in_numbers(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inspan.git.snapshot.PATCH_MOST", 100)
    told = await patch(Git(repository), "HEAD", await tree_of(Git(repository)))
    assert told.startswith("# The patch is larger")
    assert "3 files changed" in told


async def test_a_patch_is_the_same_for_every_taste(repository: Path) -> None:
    tree = await tree_of(Git(repository))
    plain = await patch(Git(repository), "HEAD", tree)
    for name, value in {
        "diff.noprefix": "true",
        "diff.mnemonicPrefix": "true",
        "color.diff": "always",
        "diff.external": "false",
        "diff.submodule": "log",
    }.items():
        git(repository, "config", name, value)
    assert await patch(Git(repository), "HEAD", tree) == plain
    assert "+++ b/untracked" in plain


async def test_a_full_disk_is_told_from_other_failures(repository: Path) -> None:
    with pytest.raises(DiskFull, match="git found no room"):
        await Git(repository).run("archive", "--format=tar", "--output=/dev/full", "HEAD")


async def test_a_repository_with_a_line_break_in_its_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotARepository, match="line break"):
        await find(make_repository(tmp_path / "one\ntwo"))


async def test_a_patch_of_what_is_not_there_fails(repository: Path) -> None:
    with pytest.raises(GitFailed):
        await patch(Git(repository), "HEAD", "nothing")


async def test_what_cannot_be_deleted_is_said(repository: Path) -> None:
    with pytest.raises(WorkspaceFailed, match="could not be deleted"):
        await delete(repository / "file" / "below")


@pytest.fixture
def somebody() -> Iterator[Path]:
    """A folder of somebody who may not do everything, as whom the test goes on."""
    path = Path(tempfile.mkdtemp(prefix="ig-"))
    root = os.geteuid() == 0
    if root:
        os.chown(path, 65534, -1)
        os.seteuid(65534)
    try:
        yield path
    finally:
        if root:
            os.seteuid(0)
        shutil.rmtree(path)


async def test_what_its_owner_may_not_write_to_is_deleted_all_the_same(somebody: Path) -> None:
    cache = somebody / "tree" / "cache"
    (cache / "module").mkdir(parents=True)
    (cache / "module" / "file").touch()
    (somebody / "outside").mkdir(mode=0o500)
    (cache / "link").symlink_to(somebody / "outside")
    (cache / "module").chmod(0o500)
    cache.chmod(0o500)
    await delete(somebody / "tree")
    assert [one.name for one in somebody.iterdir()] == ["outside"]
    assert stat.S_IMODE((somebody / "outside").stat().st_mode) == 0o500


async def test_what_is_somebody_elses_is_left_and_said(somebody: Path) -> None:
    tree = somebody / "tree"
    closed = tree / "closed"
    closed.mkdir(parents=True)
    (closed / "file").touch()
    if os.getuid() == 0:
        os.seteuid(0)
        os.chown(closed, 0, -1)
        closed.chmod(0o700)
        os.seteuid(65534)
    else:
        closed.chmod(0)
    with pytest.raises(WorkspaceFailed, match="could not be deleted") as caught:
        await delete(tree)
    assert "who owns" in caught.value.hint
    if os.getuid() != 0:
        closed.chmod(0o700)


async def test_a_change_of_the_same_size_in_the_same_second_is_seen(repository: Path) -> None:
    git(repository, "config", "core.trustctime", "false")
    file, index = repository / "file", repository / ".git" / "index"
    file.write_text("one\n")
    os.utime(file, (1_000_000_000, 1_000_000_000))
    git(repository, "add", "file")
    os.utime(index, (1_000_000_000, 1_000_000_000))
    file.write_text("two\n")
    os.utime(file, (1_000_000_000, 1_000_000_000))
    tree = await tree_of(Git(repository))
    assert git(repository, "show", f"{tree}:file") == "two"


async def _unlistable(place: Path) -> object:
    return await nested(Git(place))


async def _incomparable(place: Path) -> object:
    return await changes(Git(place), "HEAD", "HEAD")


async def _nowhere_checked_out(place: Path) -> object:
    return await checkouts(Repository(place, place / ".git"), "refs/heads/main")


@pytest.mark.parametrize("asked", [_unlistable, _incomparable, _nowhere_checked_out])
async def test_what_is_no_repository_is_told_in_gits_words(
    tmp_path: Path, asked: Callable[[Path], Awaitable[object]]
) -> None:
    with pytest.raises(GitFailed, match=r"[Nn]ot a git repository"):
        await asked(tmp_path)


async def test_an_index_that_is_damaged_keeps_a_checkout_as_it_is(repository: Path) -> None:
    found, _ = await find(repository)
    checkout = await Checkout.of(found, "refs/heads/main")
    (repository / ".git" / "index").write_bytes(b"no index at all")
    before = contents(repository)
    with pytest.raises(GitFailed, match="index file"):
        await checkout.hindrance("HEAD", (Change("M", "file"),))
    assert contents(repository) == before


async def test_a_submodule_that_no_disk_can_hold_is_named(repository: Path) -> None:
    name = "n" * 300
    with pytest.raises(GitFailed, match="n cannot be read: File name too long"):
        await take_in(Git(repository), Link(name, "0" * 40))


async def test_a_repository_without_a_configuration_shares_its_branches(
    repository: Path, tmp_path: Path
) -> None:
    (repository / ".git" / "config").unlink()
    shares = await shares_of(repository, tmp_path / "tree")
    assert repository / ".git" / "refs" / "heads" / "inspan" in shares.write
    assert tmp_path / "tree" / ".git" in shares.fixed
    assert not (repository / ".git" / "worktrees").exists()
