import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from inspan.errors import BadInput, NotARepository, WorkspaceFailed
from inspan.model.ids import short
from inspan.model.task import Task, Workspace, WorkspaceKind
from inspan.workspaces.places import Workspaces
from tests.fakes.repository import contents, git, task_in

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A2")]


async def test_a_worktree_begins_at_the_commit_and_is_clean(
    places: Workspaces, repository: Path, root: Path, task: Task
) -> None:
    before = contents(repository)
    head = git(repository, "rev-parse", "HEAD")
    place = await places.prepare(task)
    tree = root / task.id
    assert place == Workspace(
        WorkspaceKind.WORKTREE,
        str(tree),
        f"inspan/{short(task.id)}",
        head,
        str(repository),
        str(tree / ".inspan" / "task.json"),
        onto="main",
    )
    assert (tree / "file").read_text() == "one\n"
    assert not (tree / "untracked").exists()
    assert git(tree, "status", "--porcelain") == ""
    assert git(tree, "branch", "--show-current") == place.branch
    assert json.loads((tree / "task.json").read_text()) == {"of": "the repository"}
    told = (tree / ".inspan" / "task.json").read_text()
    assert "secret" not in told
    assert json.loads(told) == {
        "id": task.id,
        "attempt": 1,
        "name": "a name",
        "prompt": "do it",
        "command": ["make"],
        "role": "worker",
        "labels": {},
        "findings": [],
        "workspace": str(tree),
        "branch": place.branch,
        "base": head,
    }
    assert await places.diff(place) == ""
    assert contents(repository) == before


async def test_a_later_attempt_finds_what_the_first_left(
    places: Workspaces, repository: Path, root: Path, task: Task
) -> None:
    place = await places.prepare(task)
    (Path(place.path) / "file").write_text("half done\n")
    (repository / "more").write_text("more\n")
    git(repository, "add", "more")
    git(repository, "commit", "--quiet", "-m", "the user goes on")
    again = await Workspaces(root).prepare(replace(task, attempt=2, findings=("test it",)))
    assert again == place
    assert (Path(place.path) / "file").read_text() == "half done\n"
    told = json.loads((Path(place.path) / ".inspan" / "task.json").read_text())
    assert (told["attempt"], told["findings"]) == (2, ["test it"])


async def test_the_diff_has_everything_and_applies(
    places: Workspaces, repository: Path, task: Task, tmp_path: Path
) -> None:
    place = await places.prepare(task)
    tree = Path(place.path)
    (tree / "file").write_text("committed\n")
    git(tree, "commit", "--quiet", "-am", "work")
    (tree / "part" / "inner").write_text("uncommitted\n")
    (tree / "new").write_bytes(bytes(range(256)))
    (tree / "-option").write_text("named like an option\n")
    (tree / "staged").write_text("staged\n")
    git(tree, "add", "staged")
    (tree / "ignored").write_text("ignored\n")
    index = (repository / ".git" / "worktrees" / task.id / "index").read_bytes()
    patch = await places.diff(place)
    assert (repository / ".git" / "worktrees" / task.id / "index").read_bytes() == index
    assert "task.json" not in patch
    other = tmp_path / "other"
    git(tmp_path, "clone", "--quiet", str(repository), str(other))
    (tmp_path / "patch").write_text(patch)
    git(other, "apply", str(tmp_path / "patch"))
    assert (other / "file").read_text() == "committed\n"
    assert (other / "part" / "inner").read_text() == "uncommitted\n"
    assert (other / "new").read_bytes() == bytes(range(256))
    assert (other / "-option").exists()
    assert (other / "staged").exists()
    assert not (other / "ignored").exists()


async def test_accepting_commits_what_is_left_on_the_branch(
    places: Workspaces, repository: Path, task: Task
) -> None:
    before = contents(repository)
    place = await places.prepare(task)
    tree = Path(place.path)
    (tree / "new").write_text("new\n")
    (tree / "file").unlink()
    commit = await places.accept(place, "a name\n\nInspan-Task: x\n")
    assert git(repository, "rev-parse", f"refs/heads/{place.branch}") == commit
    assert git(repository, "log", "-1", "--format=%s|%P", commit) == f"a name|{place.base}"
    changed = git(repository, "diff", "--name-status", f"{place.base}", commit).split()
    assert changed == ["D", "file", "A", "new"]
    assert git(tree, "status", "--porcelain") == ""
    assert await places.accept(place, "again") == commit
    assert await places.remove(place) is None
    assert not tree.exists()
    assert await places.accept(place, "again") == commit
    assert "new file" in await places.diff(place)
    assert contents(repository) == before
    assert git(repository, "worktree", "list").count("\n") == 0


async def test_who_has_no_name_commits_as_inspan(
    places: Workspaces,
    repository: Path,
    task: Task,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    place = await places.prepare(task)
    (Path(place.path) / "new").touch()
    commit = await places.accept(place, "message")
    told = git(repository, "log", "-1", "--format=%an|%ae|%cn|%ce", commit)
    assert told == "inspan|inspan@localhost|inspan|inspan@localhost"
    git(repository, "config", "user.name", "Ada")
    git(repository, "config", "user.email", "ada@example.org")
    (Path(place.path) / "newer").touch()
    commit = await places.accept(place, "message")
    assert git(repository, "log", "-1", "--format=%an|%ce", commit) == "Ada|ada@example.org"


async def test_removing_saves_what_was_not_committed(
    places: Workspaces, repository: Path, root: Path, task: Task
) -> None:
    before = contents(repository)
    place = await places.prepare(task)
    tree = Path(place.path)
    (tree / "file").write_text("not committed\n")
    (tree / "new").write_text("nor this\n")
    ref = await places.remove(place)
    assert ref == f"refs/inspan/saved/{task.id}"
    assert git(repository, "show", f"{ref}:file") == "not committed"
    assert git(repository, "show", f"{ref}:new") == "nor this"
    assert [path.name for path in root.iterdir()] == ["saved"]
    assert git(repository, "branch", "--list", "inspan/*") == ""
    assert "nor this" in await places.diff(place)
    assert await places.remove(place) == ref
    assert contents(repository) == before


async def test_removing_what_says_nothing_leaves_nothing(
    places: Workspaces, repository: Path, task: Task
) -> None:
    place = await places.prepare(task)
    assert await places.remove(place) is None
    assert git(repository, "for-each-ref", "--format=%(refname)") == "refs/heads/main\nrefs/stash"
    assert not (repository / ".git" / "worktrees").exists()


async def test_commits_away_from_the_branch_are_saved_too(
    places: Workspaces, repository: Path, task: Task
) -> None:
    place = await places.prepare(task)
    tree = Path(place.path)
    git(tree, "checkout", "--quiet", "--detach")
    (tree / "new").write_text("new\n")
    git(tree, "add", "new")
    git(tree, "commit", "--quiet", "-m", "elsewhere")
    ref = await places.remove(place)
    assert ref is not None
    assert git(repository, "show", f"{ref}:new") == "new"


async def test_a_worktree_that_left_its_branch_is_not_accepted(
    places: Workspaces, task: Task
) -> None:
    place = await places.prepare(task)
    tree = Path(place.path)
    (tree / "new").touch()
    git(tree, "add", "new")
    git(tree, "commit", "--quiet", "-m", "on the branch")
    git(tree, "checkout", "--quiet", "--detach", "HEAD^")
    with pytest.raises(WorkspaceFailed, match="left its branch"):
        await places.accept(place, "message")


async def test_a_repository_inside_is_no_part_and_is_not_lost(
    places: Workspaces, task: Task
) -> None:
    place = await places.prepare(task)
    inner = Path(place.path) / "inner repo"
    inner.mkdir()
    git(inner, "init", "--quiet")
    (Path(place.path) / "new").write_text("new\n")
    assert "inner repo" not in await places.diff(place)
    await places.accept(place, "message")
    with pytest.raises(WorkspaceFailed, match="repository of its own"):
        await places.remove(place)
    assert inner.is_dir()


async def test_twenty_at_once(places: Workspaces, repository: Path) -> None:
    before = contents(repository)
    made: list[Workspace] = []

    async def one(number: int) -> None:
        place = await places.prepare(task_in(repository, number))
        (Path(place.path) / "new").write_text(f"{number}\n")
        made.append(place)

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(one, number)
    assert len({place.path for place in made}) == 20
    assert len({place.branch for place in made}) == 20
    assert contents(repository) == before

    async def end(place: Workspace) -> None:
        assert await places.remove(place) is not None

    async with anyio.create_task_group() as group:
        for place in made:
            group.start_soon(end, place)
    assert len(git(repository, "for-each-ref", "refs/inspan/saved").splitlines()) == 20
    assert contents(repository) == before


async def test_half_of_a_worktree_is_made_whole(
    places: Workspaces, repository: Path, task: Task, root: Path
) -> None:
    place = await places.prepare(task)
    administration = repository / ".git" / "worktrees" / task.id
    # As it is when git is killed in the middle of its checkout.
    (administration / "locked").write_text("initializing")
    (Path(place.path) / "file").unlink()
    assert await Workspaces(root).prepare(task) == place
    assert (Path(place.path) / "file").exists()
    assert not (administration / "locked").exists()


async def test_a_worktree_whose_folder_is_gone_is_made_again(
    places: Workspaces, task: Task
) -> None:
    place = await places.prepare(task)
    (Path(place.path) / "new").write_text("new\n")
    git(Path(place.path), "add", "new")
    git(Path(place.path), "commit", "--quiet", "-m", "work")
    shutil.rmtree(place.path)
    assert await places.prepare(task) == place
    assert (Path(place.path) / "new").exists()


async def test_removal_that_was_cut_short_keeps_what_was_saved(
    places: Workspaces, repository: Path, task: Task
) -> None:
    place = await places.prepare(task)
    tree = Path(place.path)
    (tree / "new").write_text("new\n")
    ref = f"refs/inspan/saved/{task.id}"
    # Saved, marked, and then killed while deleting.
    git(tree, "add", "new")
    git(
        repository,
        "update-ref",
        ref,
        git(tree, "commit-tree", "-p", "HEAD", "-m", "saved", git(tree, "write-tree")),
    )
    (repository / ".git" / "worktrees" / task.id / "locked").write_text("initializing")
    (tree / "file").unlink()
    (tree / "new").unlink()
    assert await places.remove(place) == ref
    assert git(repository, "show", f"{ref}:new") == "new"
    assert not tree.exists()


async def test_a_worktree_that_git_forgot_is_not_deleted(
    places: Workspaces, repository: Path, task: Task
) -> None:
    place = await places.prepare(task)
    (Path(place.path) / "work").write_text("work\n")
    shutil.rmtree(repository / ".git" / "worktrees")
    for attempt in (places.prepare(task), places.remove(place)):
        with pytest.raises(WorkspaceFailed, match="git knows nothing of it"):
            await attempt
    assert (Path(place.path) / "work").exists()


async def test_one_that_the_user_locked_is_still_whole(
    places: Workspaces, repository: Path, task: Task
) -> None:
    place = await places.prepare(task)
    (Path(place.path) / "work").write_text("work\n")
    git(repository, "worktree", "lock", "--reason", "mine", place.path)
    assert await places.prepare(task) == place
    assert (Path(place.path) / "work").exists()


async def test_a_shared_short_name_leads_to_another_branch(
    places: Workspaces, repository: Path, task: Task
) -> None:
    git(repository, "branch", f"inspan/{short(task.id)}")
    place = await places.prepare(task)
    assert place.branch == f"inspan/{task.id}"


async def test_a_task_from_a_subfolder_works_in_it(
    places: Workspaces, repository: Path, root: Path
) -> None:
    task = task_in(repository / "part")
    place = await places.prepare(task)
    assert place.path == str(root / task.id / "part")
    (Path(place.path) / "inner").write_text("changed\n")
    assert git(root / task.id, "status", "--porcelain") == "M part/inner"
    assert "part/inner" in await places.diff(place)
    assert await places.remove(place)
    assert not (root / task.id).exists()


async def test_a_worktree_inside_a_repository_touches_only_its_own(
    repository: Path, task: Task
) -> None:
    """INSPAN_HOME may lie in the user's own checkout, and the agent may delete ``.git``."""
    places = Workspaces(repository / "ignored.d")
    place = await places.prepare(task)
    (Path(place.path) / ".git").unlink()
    (Path(place.path) / "new").write_text("new\n")
    before = contents(repository)
    assert "b/new" in await places.diff(place)
    assert "b/untracked" not in await places.diff(place)
    await places.accept(place, "message")
    assert contents(repository) == before


async def test_what_cannot_be_is_said(places: Workspaces, repository: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="names no commit"):
        await places.prepare(task_in(repository, base="no-such-branch"))
    with pytest.raises(NotARepository):
        await places.prepare(task_in(tmp_path))
    empty = tmp_path / "empty"
    git(tmp_path, "init", "--quiet", str(empty))
    with pytest.raises(NotARepository, match="no commit yet") as unborn:
        await places.prepare(task_in(empty))
    assert unborn.value.hint.startswith("Commit once")
    bare = tmp_path / "bare"
    git(tmp_path, "init", "--quiet", "--bare", str(bare))
    with pytest.raises(NotARepository):
        await places.prepare(task_in(bare))


@pytest.mark.parametrize(
    "base", ["--orphan", "-f", "--lock", "--output=evil", "HEAD --", "x\0y", ""]
)
async def test_a_base_is_never_an_option(places: Workspaces, repository: Path, base: str) -> None:
    before = contents(repository)
    with pytest.raises((BadInput, WorkspaceFailed)):
        await places.prepare(task_in(repository, base=base))
    assert contents(repository) == before


async def test_a_branch_named_like_an_option_is_only_a_name(
    places: Workspaces, repository: Path
) -> None:
    git(repository, "update-ref", "refs/heads/--orphan", "HEAD")
    place = await places.prepare(task_in(repository, base="refs/heads/--orphan"))
    assert place.base == git(repository, "rev-parse", "HEAD")


async def test_a_link_in_the_repository_leads_nowhere(places: Workspaces, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    top = tmp_path / "hostile"
    top.mkdir()
    git(top, "init", "--quiet")
    (top / ".inspan").symlink_to(outside)
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "-m", "a trap")
    with pytest.raises(WorkspaceFailed):
        await places.prepare(task_in(top))
    assert list(outside.iterdir()) == []


async def test_nothing_that_the_repository_names_is_run(
    places: Workspaces, repository: Path, task: Task, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    trap = tmp_path / "trap"
    trap.write_text(f'#!/bin/sh\necho "$0 $*" >> {ran}\ncat\n')
    trap.chmod(0o755)
    for hook in (
        "post-checkout",
        "pre-commit",
        "post-commit",
        "reference-transaction",
        "post-index-change",
    ):
        (repository / ".git" / "hooks" / hook).parent.mkdir(exist_ok=True)
        (repository / ".git" / "hooks" / hook).symlink_to(trap)
    (repository / ".git" / "info" / "attributes").write_text("* filter=a=b diff=d\n*.y filter=p\n")
    for name, value in {
        "core.fsmonitor": trap,
        "core.sshCommand": trap,
        "core.pager": trap,
        "core.editor": trap,
        "filter.a=b.smudge": trap,
        "filter.a=b.clean": trap,
        "filter.a=b.required": "true",
        "filter.p.process": trap,
        "filter.p.required": "true",
        "diff.d.textconv": trap,
        "diff.d.command": trap,
        "diff.external": trap,
        "commit.gpgSign": "true",
        "gpg.program": trap,
        "credential.helper": trap,
        "core.hooksPath": repository / ".git" / "hooks",
    }.items():
        git(repository, "config", name, str(value))
    # The trap is live for whoever runs git as it is.
    for arguments in (("status",), ("hash-object", "file"), ("update-ref", "refs/x", "HEAD")):
        ran.unlink(missing_ok=True)
        git(repository, *arguments)
        assert ran.exists(), arguments
    ran.unlink()
    place = await places.prepare(task)
    (Path(place.path) / "file").write_text("changed\n")
    (Path(place.path) / "x.y").write_text("new\n")
    assert "+changed" in await places.diff(place)
    await places.accept(place, "message")
    (Path(place.path) / "file").write_text("changed again\n")
    assert await places.remove(place) is not None
    assert not ran.exists()


async def test_a_folder_that_nobody_may_write_to_is_removed(places: Workspaces, task: Task) -> None:
    place = await places.prepare(task)
    cache = Path(place.path) / "cache"
    cache.mkdir()
    (cache / "module").touch()
    cache.chmod(0o555)
    assert await places.remove(place) is not None
    assert not os.path.lexists(place.path)


async def test_one_that_is_cut_short_anywhere_is_whole_the_next_time(
    places: Workspaces, repository: Path
) -> None:
    before = contents(repository)
    for number in range(12):
        task = task_in(repository, number)
        with anyio.move_on_after(number * 0.004):
            await places.prepare(task)
        place = await places.prepare(task)
        tree = Path(place.path)
        assert (tree / "part" / "inner").read_text() == "inner\n"
        assert git(tree, "status", "--porcelain") == ""
        assert git(tree, "rev-parse", "HEAD") == place.base
    assert contents(repository) == before


async def test_the_lock_that_a_killed_git_left_on_its_branch_is_taken_away(
    places: Workspaces, repository: Path, task: Task
) -> None:
    place = await places.prepare(task)
    await places.remove(place)
    assert place.branch is not None
    lock = repository / ".git" / "refs" / "heads" / f"{place.branch}.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.touch()
    assert (await places.prepare(task)).branch == place.branch
    assert not lock.exists()


async def test_a_tree_that_git_has_forgotten_again_is_made_anew(
    places: Workspaces, repository: Path, task: Task
) -> None:
    """A git that is stopped removes its own folder first and then the tree, or dies in between."""
    place = await places.prepare(task)
    tree = Path(place.path)
    tree.with_name(f"{tree.name}.adding").touch()
    shutil.rmtree(repository / ".git" / "worktrees" / tree.name)
    (tree / "file").unlink()
    again = await places.prepare(task)
    assert again == place
    assert git(tree, "status", "--porcelain") == ""
    assert not tree.with_name(f"{tree.name}.adding").exists()
