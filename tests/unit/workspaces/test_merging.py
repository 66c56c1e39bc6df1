"""Merging onto a branch of the user's: what moves, what keeps it from being done, what stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from inspan.errors import BadInput, Conflict, NotFound
from inspan.git.checkout import Checkout
from inspan.git.repository import find
from inspan.model.merging import MergeRequest, MergeResult
from inspan.model.task import Task, TaskKind, Workspace, WorkspaceKind
from inspan.workspaces.places import Workspaces
from tests.fakes.repository import contents, git, task_in
from tests.fakes.trap import Trap

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A3", "C9")]


async def work(
    places: Workspaces, repository: Path, files: dict[str, str], base: str = "HEAD"
) -> Task:
    """A task that wrote ``files`` and was accepted; its worktree is gone."""
    task = task_in(repository, base=base)
    place = await places.prepare(task)
    for name, text in files.items():
        path = Path(place.path) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    await places.accept(place, "the work")
    await places.remove(place)
    return replace(task, workspace=place)


async def merge(places: Workspaces, task: Task, **asked: object) -> MergeResult:
    assert task.workspace is not None
    request = MergeRequest(**asked)  # type: ignore[arg-type]
    return await places.merge(task, task.workspace.branch or "", request)


async def test_a_branch_that_is_not_checked_out_moves_alone(
    places: Workspaces, repository: Path
) -> None:
    git(repository, "branch", "topic")
    task = await work(places, repository, {"new": "new\n", "file": "work\n"})
    before = contents(repository)
    would = await merge(places, task, into="topic", dry_run=True)
    assert (would.moved, would.changed, would.files) == (False, 2, ("file", "new"))
    assert git(repository, "rev-parse", "topic") == would.before
    done = await merge(places, task, into="topic")
    assert done.moved
    assert git(repository, "rev-parse", "topic") == done.commit
    assert git(repository, "show", "topic:new") == "new"
    assert contents(repository) == before
    again = await merge(places, task, into="topic")
    assert (again.moved, again.commit, again.before) == (False, done.commit, done.commit)


async def test_two_sides_are_joined_by_a_merge(places: Workspaces, repository: Path) -> None:
    git(repository, "branch", "topic")
    task = await work(places, repository, {"new": "new\n"})
    tree = git(repository, "rev-parse", "main^{tree}")
    theirs = git(repository, "commit-tree", "-p", "topic", "-m", "theirs", tree)
    git(repository, "update-ref", "refs/heads/topic", theirs)
    done = await merge(places, task, into="topic")
    assert task.workspace is not None
    mine = git(repository, "rev-parse", task.workspace.branch or "")
    assert git(repository, "show", "--no-patch", "--format=%P", done.commit).split() == [
        theirs,
        mine,
    ]


async def test_the_checkout_comes_along_and_keeps_what_is_the_users(
    places: Workspaces, repository: Path
) -> None:
    task = await work(places, repository, {"new/one": "new\n", "part/inner": "work\n"})
    status = git(repository, "status", "--porcelain", "--ignored")
    done = await merge(places, task)  # onto main, on which it began
    assert (done.into, done.moved, done.checkout) == ("main", True, str(repository))
    assert git(repository, "rev-parse", "HEAD") == done.commit
    assert git(repository, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert (repository / "new" / "one").read_text() == "new\n"
    assert (repository / "part" / "inner").read_text() == "work\n"
    assert git(repository, "status", "--porcelain", "--ignored") == status
    assert (repository / "file").read_text() == "changed\n"
    assert git(repository, "show", ":staged") == "staged"
    assert git(repository, "stash", "list").count("\n") == 0
    assert "inspan: merge" in git(repository, "reflog", "-1", "HEAD")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"file": "work\n"}, "changed there and not committed: file"),
        ({"staged": "work\n"}, "changed there and not committed: staged"),
        ({"untracked": "work\n"}, "in the way there, and not git's: untracked"),
        ({"untracked/deep/x": "work\n"}, "in the way there, and not git's: untracked"),
        ({"mine": "work\n"}, "in the way there, and not git's: mine"),
    ],
)
async def test_what_the_user_has_there_is_not_overwritten(
    places: Workspaces, repository: Path, files: dict[str, str], told: str
) -> None:
    task = await work(places, repository, files | {"other": "other\n"})
    (repository / ".git" / "info" / "exclude").write_text("mine\n")
    (repository / "mine").write_text("ignored, and mine\n")
    before = contents(repository)
    would = await merge(places, task, dry_run=True)
    assert would.hindrance == told
    assert would.hint is not None
    with pytest.raises(Conflict, match=told):
        await merge(places, task)
    assert contents(repository) == before


async def test_conflicts_are_told_by_file_and_nothing_changes(
    places: Workspaces, repository: Path
) -> None:
    task = await work(places, repository, {"part/inner": "work\n", "new": "new\n"})
    (repository / "part" / "inner").write_text("theirs\n")
    git(repository, "commit", "--quiet", "-m", "theirs", "part/inner")
    before = contents(repository)
    done = await merge(places, task)
    assert (done.conflicts, done.moved, done.commit) == (("part/inner",), False, done.before)
    assert contents(repository) == before


async def test_a_checkout_in_the_middle_of_something_is_left(
    places: Workspaces, repository: Path
) -> None:
    task = await work(places, repository, {"new": "new\n"})
    (repository / ".git" / "CHERRY_PICK_HEAD").write_text(git(repository, "rev-parse", "HEAD"))
    with pytest.raises(Conflict, match="a cherry-pick is under way"):
        await merge(places, task)


async def test_a_branch_that_is_being_rebased_stays(places: Workspaces, repository: Path) -> None:
    task = await work(places, repository, {"new": "new\n"})
    git(repository, "checkout", "--quiet", "--detach")
    (repository / ".git" / "rebase-merge").mkdir()
    (repository / ".git" / "rebase-merge" / "head-name").write_text("refs/heads/main\n")
    with pytest.raises(Conflict, match="main stays as it is"):
        await merge(places, task)


async def test_a_branch_that_is_checked_out_elsewhere_is_left_to_git(
    places: Workspaces, repository: Path, tmp_path: Path
) -> None:
    task = await work(places, repository, {"new": "new\n"})
    git(repository, "worktree", "add", "--quiet", "-b", "topic", str(tmp_path / "else where"))
    would = await merge(places, task, into="topic", dry_run=True)
    assert "else where" in (would.hindrance or "")
    with pytest.raises(Conflict, match="else where"):
        await merge(places, task, into="topic")
    assert not (tmp_path / "else where" / "new").exists()


async def test_only_what_was_checked_is_merged(places: Workspaces, repository: Path) -> None:
    git(repository, "branch", "topic")
    task = await work(places, repository, {"new": "new\n"})
    would = await merge(places, task, into="topic", dry_run=True)
    tree = git(repository, "rev-parse", "main^{tree}")
    moved = git(repository, "commit-tree", "-p", "topic", "-m", "meanwhile", tree)
    git(repository, "update-ref", "refs/heads/topic", moved)
    with pytest.raises(Conflict, match="was moved since"):
        await merge(places, task, into="topic", made=would.commit)
    assert git(repository, "rev-parse", "topic") == moved
    anew = await merge(places, task, into="topic", dry_run=True)
    assert (await merge(places, task, into="topic", made=anew.commit)).commit == anew.commit


async def test_where_it_cannot_go(places: Workspaces, repository: Path) -> None:
    task = await work(places, repository, {"new": "new\n"}, git(repository, "rev-parse", "main"))
    assert task.workspace is not None
    assert task.workspace.onto is None  # it began at a commit, and on no branch
    with pytest.raises(BadInput, match="began on is not known"):
        await merge(places, task)
    with pytest.raises(NotFound, match="there is no branch nowhere"):
        await merge(places, task, into="nowhere")
    for name in ("--force", "-d", "@{-1}", "a..b", ""):
        with pytest.raises(BadInput):
            await merge(places, task, into=name)
    with pytest.raises(BadInput, match="onto itself"):
        await merge(places, task, into=task.workspace.branch)


async def test_dying_between_files_and_branch_is_mended_by_the_same_again(
    places: Workspaces, repository: Path
) -> None:
    task = await work(places, repository, {"new": "new\n", "part/inner": "work\n"})
    status = git(repository, "status", "--porcelain")
    would = await merge(places, task, dry_run=True)
    git(repository, "read-tree", "-m", "-u", would.before, would.commit)
    done = await merge(places, task)
    assert done.moved
    assert git(repository, "status", "--porcelain") == status


async def test_files_go_back_where_the_branch_was_moved_meanwhile(
    places: Workspaces, repository: Path
) -> None:
    task = await work(places, repository, {"new": "new\n", "part/inner": "work\n"})
    would = await merge(places, task, dry_run=True)
    found, _ = await find(repository)
    checkout = await Checkout.of(found, "refs/heads/main")
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "meanwhile", "--only")
    before = contents(repository)
    with pytest.raises(Conflict):
        await checkout.forward(would.before, would.commit, "merge")
    after = contents(repository)
    assert {**after, ".git/index": ""} == {**before, ".git/index": ""}


async def test_nothing_of_the_repository_runs_while_it_is_merged(
    places: Workspaces, repository: Path, trap: Trap
) -> None:
    task = await work(places, repository, {"new": "new\n", "big.bin": "work\n"})
    hooks = repository / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-merge", "post-checkout", "post-index-change", "reference-transaction"):
        (hooks / hook).symlink_to(trap.path)
    git(repository, "config", "core.fsmonitor", str(trap.path))
    git(repository, "config", "branch.main.mergeOptions", "-s trap")
    git(repository, "status")
    assert trap.sprung()
    assert (await merge(places, task)).moved
    assert not trap.sprung()


async def test_what_a_filter_would_have_to_write_is_left_to_git(
    places: Workspaces, repository: Path, trap: Trap
) -> None:
    task = await work(places, repository, {"new": "new\n", "ü.bin": "work\n"})
    for name in ("clean", "smudge", "process"):
        git(repository, "config", f"filter.big.{name}", str(trap.path))
    (repository / ".git" / "info" / "attributes").write_text("*.bin filter=big\n")
    before = contents(repository)
    with pytest.raises(Conflict, match=r"a filter .* is for ü\.bin"):
        await merge(places, task)
    assert contents(repository) == before
    (repository / ".git" / "info" / "attributes").write_text("*.other filter=big\n")
    assert (await merge(places, task)).moved
    assert not trap.sprung()


async def test_a_goal_knows_the_branch_that_it_began_on(
    places: Workspaces, repository: Path, tmp_path: Path
) -> None:
    goal = task_in(repository, kind=TaskKind.GOAL, workspace=WorkspaceKind.HERE)
    place = await places.prepare(goal)
    here = Workspace(WorkspaceKind.HERE, str(repository), repository=str(repository), onto="main")
    assert place == here
    git(repository, "checkout", "--quiet", "-b", "other")
    assert await places.prepare(replace(goal, workspace=place)) == here  # also when it goes on
    nowhere = task_in(tmp_path, kind=TaskKind.GOAL, workspace=WorkspaceKind.HERE)
    assert await places.prepare(nowhere) == Workspace(WorkspaceKind.HERE, str(tmp_path))


async def test_a_branch_of_inspans_own_is_nobodys_to_merge_onto_unasked(
    places: Workspaces, repository: Path
) -> None:
    first = await work(places, repository, {"new": "new\n"})
    assert first.workspace is not None
    second = task_in(repository, 2, base=first.workspace.branch)
    assert (await places.prepare(second)).onto is None
