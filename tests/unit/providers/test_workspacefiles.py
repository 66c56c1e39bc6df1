"""Files of a workspace that are read and written for an agent: what lies outside is not reached."""

from __future__ import annotations

import itertools
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.agents.served import Fault, FileText, NotServed
from inspan.agents.signs import FileAsked
from inspan.errors import GitFailed
from inspan.providers import workspacefiles
from inspan.providers.mounts import Access
from inspan.providers.workspacefiles import MOST, Fence, WorkspaceFiles, alone

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A2", "C9")]

SECRET = "no agent's business\n"
#: So often is tried at most what has to meet another thread in the act: a busy machine runs that
#: one seldom.
TRIES = 20_000


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A workspace, and beside it what is none of it."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text(SECRET)
    (tmp_path / "work" / "src").mkdir(parents=True)
    (tmp_path / "work" / "src" / "a.txt").write_text("one\ntwo\nthree")
    return tmp_path / "work"


def files(work: Path, fence: Fence | None = None) -> WorkspaceFiles:
    async def make() -> Fence:
        return fence or alone(str(work))

    return WorkspaceFiles(str(work), make)


async def read(
    work: Path, path: str, *, line: int = 1, limit: int | None = None
) -> FileText | NotServed:
    return await files(work).serve(FileAsked("1", path, line=line, limit=limit))


async def write(
    work: Path, path: str, text: str, fence: Fence | None = None
) -> FileText | NotServed:
    return await files(work, fence).serve(FileAsked("1", path, text))


def refusal(answer: FileText | NotServed, fault: Fault = Fault.REFUSED) -> str:
    assert isinstance(answer, NotServed), answer
    assert answer.fault is fault, answer
    return answer.why


def everything(root: Path) -> dict[str, str]:
    """What lies below it, by name: a link's target, or a file's content."""
    return {
        str(path.relative_to(root)): path.readlink().as_posix()
        if path.is_symlink()
        else path.read_text()
        if path.is_file()
        else "/"
        for path in root.rglob("*")
    }


# ── reading ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "limit", "text"),
    [
        (1, None, "one\ntwo\nthree"),
        (2, None, "two\nthree"),
        (2, 1, "two\n"),
        (1, 0, ""),
        (3, 9, "three"),
        (4, 1, ""),
    ],
)
async def test_lines_are_counted_from_one_and_keep_their_ends(
    work: Path, line: int, limit: int | None, text: str
) -> None:
    answer = await read(work, f"{work}/src/a.txt", line=line, limit=limit)
    assert answer == FileText(text)


async def test_a_path_may_be_relative_and_may_go_up_as_far_as_the_workspace(work: Path) -> None:
    whole = FileText("one\ntwo\nthree")
    for path in ("src/a.txt", f"{work}/src/../src/./a.txt", f"{work}//src///a.txt"):
        assert await read(work, path) == whole


async def test_a_workspace_that_a_link_leads_to_is_known_by_both_names(
    work: Path, tmp_path: Path
) -> None:
    (tmp_path / "also").symlink_to(work)
    for named in (tmp_path / "also", work):
        answer = await read(tmp_path / "also", f"{named}/src/a.txt", limit=1)
        assert answer == FileText("one\n")


async def test_links_that_stay_inside_are_followed(work: Path) -> None:
    (work / "near").symlink_to("src/a.txt")
    (work / "folder").symlink_to(f"{work}/src")
    (work / "src" / "up").symlink_to("../near")
    for path in ("near", "folder/a.txt", "src/up", "folder/up"):
        assert await read(work, path, limit=1) == FileText("one\n")


@pytest.mark.parametrize(
    "path",
    [
        "../outside/secret",
        "src/../../outside/secret",
        "out/secret",
        "deep/../outside/secret",
        "file",
        "around",
        "/etc/passwd",
        "/proc/self/environ",
        "{root}/outside/secret",
        "{root}/work-2/secret",
        "/",
        "..",
    ],
)
async def test_nothing_outside_is_read_or_written(work: Path, tmp_path: Path, path: str) -> None:
    (work / "out").symlink_to("../outside")
    (work / "deep").symlink_to(tmp_path / "outside")
    (work / "file").symlink_to(tmp_path / "outside" / "secret")
    (work / "around").symlink_to("src/../../outside/secret")
    (tmp_path / "work-2").mkdir()
    (tmp_path / "work-2" / "secret").write_text(SECRET)
    before = everything(tmp_path)
    named = path.format(root=tmp_path)
    assert "outside of the workspace" in refusal(await read(work, named))
    assert "outside of the workspace" in refusal(await write(work, named, "mine"))
    assert everything(tmp_path) == before


async def test_what_is_missing_is_told_as_missing(work: Path) -> None:
    (work / "dangling").symlink_to("src/none")
    for path in ("none", "none/at/all", "src/none", "dangling"):
        # These words are what Gemini knows a new file by.
        assert "No such file" in refusal(await read(work, path), Fault.MISSING)


@pytest.mark.parametrize("path", ["", "a\0b", "x" * 5000, "src/" + "y" * 300, "src/a.txt/b"])
async def test_what_is_no_path_is_refused(work: Path, path: str) -> None:
    for answer in (await read(work, path), await write(work, path, "mine")):
        assert isinstance(answer, NotServed)
        assert answer.fault is not Fault.MISSING or path == "src/a.txt/b"


async def test_a_circle_of_links_and_endless_folders_end(work: Path) -> None:
    (work / "a").symlink_to("b")
    (work / "b").symlink_to("a")
    assert "circle" in refusal(await read(work, "a"))
    assert "too deep" in refusal(await write(work, "d/" * 200 + "e", "mine"))


async def test_what_is_no_file_is_neither_read_nor_replaced(work: Path) -> None:
    os.mkfifo(work / "pipe")
    (work / "null").symlink_to("/dev/null")
    for path, why in (("pipe", "no regular file"), ("src", "a folder"), ("null", "outside")):
        assert why in refusal(await read(work, path))
        assert why in refusal(await write(work, path, "mine"))
    assert stat.S_ISFIFO((work / "pipe").lstat().st_mode)


@pytest.mark.skipif(not hasattr(os, "mknod") or os.geteuid() != 0, reason="needs root")
async def test_a_device_is_not_opened(work: Path) -> None:
    try:
        os.mknod(work / "zero", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("no devices are made here")
    assert "no regular file" in refusal(await read(work, "zero"))


async def test_what_is_too_large_is_refused_and_can_be_read_in_parts(work: Path) -> None:
    line = b"x" * 1023 + b"\n"
    (work / "large").write_bytes(line * (MOST // 1024 + 1))
    assert "fewer lines" in refusal(await read(work, "large"))
    answer = await read(work, "large", line=4000, limit=2)
    assert answer == FileText((line * 2).decode())
    (work / "one-line").write_bytes(b"x" * (MOST + 1))
    assert "fewer lines" in refusal(await read(work, "one-line", limit=1))


async def test_lines_are_not_counted_for_ever(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspacefiles, "_SCANNED_MOST", 5)
    refusal(await read(work, "src/a.txt", line=3))


async def test_what_is_no_text_is_refused(work: Path) -> None:
    (work / "binary").write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in refusal(await read(work, "binary"))
    assert "UTF-8" in refusal(await write(work, "new", "\ud800"))
    assert not (work / "new").exists()


# ── writing ───────────────────────────────────────────────────────────────────


async def test_a_file_is_made_with_the_folders_on_the_way(work: Path) -> None:
    assert await write(work, f"{work}/new/er/file.txt", "ä\r\n\0end") == FileText()
    assert (work / "new" / "er" / "file.txt").read_bytes() == "ä\r\n\0end".encode()
    assert sorted(path.name for path in (work / "new" / "er").iterdir()) == ["file.txt"]


async def test_a_file_keeps_its_mode_but_what_would_give_rights(work: Path) -> None:
    file = work / "src" / "run.sh"
    file.write_text("old")
    file.chmod(0o4751)
    await write(work, "src/run.sh", "new")
    assert file.read_text() == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o751


async def test_who_has_the_file_open_sees_the_old_one_whole(work: Path) -> None:
    with (work / "src" / "a.txt").open() as before:
        await write(work, "src/a.txt", "new")
        assert before.read() == "one\ntwo\nthree"
    assert (work / "src" / "a.txt").read_text() == "new"


async def test_a_link_stays_one_and_its_file_is_written(work: Path) -> None:
    (work / "near").symlink_to("src/a.txt")
    (work / "dangling").symlink_to("src/later.txt")
    await write(work, "near", "new")
    await write(work, "dangling", "made")
    assert (work / "near").is_symlink()
    assert (work / "src" / "a.txt").read_text() == "new"
    assert (work / "src" / "later.txt").read_text() == "made"


async def test_a_name_that_lies_outside_too_is_not_changed_there(
    work: Path, tmp_path: Path
) -> None:
    (work / "same").hardlink_to(tmp_path / "outside" / "secret")
    await write(work, "same", "mine")
    assert (tmp_path / "outside" / "secret").read_text() == SECRET


async def test_what_is_read_only_is_not_written(work: Path) -> None:
    (work / "src" / "a.txt").chmod(0o444)
    assert "read-only" in refusal(await write(work, "src/a.txt", "mine"))


@pytest.mark.parametrize("path", [".git/hooks/pre-commit", "sub/.GIT/config", ".git"])
async def test_nothing_is_written_where_git_believes_what_it_finds(work: Path, path: str) -> None:
    before = everything(work)
    assert "may not be written" in refusal(await write(work, path, "#!/bin/sh\n"))
    assert everything(work) == before


async def test_what_may_only_be_read_or_is_hidden_is_left_alone(work: Path) -> None:
    fence = alone(str(work))
    (work / ".ssh").mkdir()
    (work / ".ssh" / "id").write_text(SECRET)
    fence.mounts.put(Access.READ, [work / "src"])
    fence.mounts.put(Access.HIDE, [work / ".ssh"])
    for path in ("src/b.txt", "src/new/b.txt", ".ssh/authorized_keys", ".ssh/x/y"):
        assert "may not be written" in refusal(await write(work, path, "mine", fence))
    assert not (work / "src" / "new").exists()
    hidden = await files(work, fence).serve(FileAsked("1", ".ssh/id"))
    assert "hidden" in refusal(hidden)


async def test_too_much_is_refused_before_anything_is_made(work: Path) -> None:
    assert "more than" in refusal(await write(work, "new/large", "x" * (MOST + 1)))
    assert not (work / "new").exists()


async def test_what_the_system_refuses_leaves_nothing_behind(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    before = everything(work)
    assert "No space left" in refusal(await write(work, "src/a.txt", "mine"), Fault.FAILED)
    assert everything(work) == before


async def test_a_workspace_that_cannot_be_told_is_not_touched(work: Path) -> None:
    async def broken() -> Fence:
        raise GitFailed("it is no worktree any more")

    answer = await WorkspaceFiles(str(work), broken).serve(FileAsked("1", "src/a.txt"))
    assert "no worktree" in refusal(answer, Fault.FAILED)


# ── whatever is asked, and whatever happens meanwhile ─────────────────────────

NAMES = st.sampled_from(
    ["..", ".", "", "src", "a.txt", "out", "in", "up", "abs", "outside", "secret"]
)


@given(names=st.lists(NAMES, max_size=8), absolute=st.booleans(), writes=st.booleans())
async def test_no_path_leads_out(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], absolute: bool, writes: bool
) -> None:
    root = tmp_path_factory.mktemp("walk")
    work = root / "work"
    (work / "src").mkdir(parents=True)
    (work / "src" / "a.txt").write_text("inside")
    (root / "outside").mkdir()
    (root / "outside" / "secret").write_text(SECRET)
    for name, target in {
        "out": "../outside",
        "in": "src",
        "up": "..",
        "abs": str(root),
        "src/out": "../../outside/secret",
        "src/up": "../..",
    }.items():
        (work / name).symlink_to(target)
    path = "/".join([*([str(work)] if absolute else []), *names])
    before = everything(root / "outside")
    answer = await (write(work, path, "mine") if writes else read(work, path))
    assert everything(root / "outside") == before
    assert {path.name for path in root.iterdir()} == {"work", "outside"}
    if isinstance(answer, FileText):
        assert SECRET not in answer.text
        real = Path(os.path.realpath(work / Path(path)))
        assert real.is_relative_to(work)
        assert real.read_text() == ("mine" if writes else answer.text)


@contextmanager
def again_and_again(*moves: tuple[Path, Path]) -> Iterator[None]:
    """Renames in their order, over and over, by another thread."""
    stop = threading.Event()

    def exchange() -> None:
        while not stop.is_set():
            for old, new in moves:
                old.rename(new)

    other = threading.Thread(target=exchange)
    other.start()
    try:
        yield
    finally:
        stop.set()
        other.join()


async def test_a_folder_that_becomes_a_link_while_it_is_walked_leads_nowhere(
    work: Path, tmp_path: Path
) -> None:
    folder, link, aside = work / "folder", work / "link", work / "aside"
    folder.mkdir()
    (folder / "secret").write_text("inside")
    link.symlink_to(tmp_path / "outside")
    seen = set()
    with again_and_again((folder, aside), (link, folder), (folder, link), (aside, folder)):
        for number in range(TRIES):
            answer = await read(work, "folder/secret")
            seen.add(answer.text if isinstance(answer, FileText) else answer.why.split(":")[0])
            if number >= 400 and len(seen) > 1 and "inside" in seen:
                break
    assert SECRET not in seen
    assert "inside" in seen
    assert len(seen) > 1  # it was caught in the act


async def test_a_link_that_is_replaced_while_it_is_walked_writes_nothing_outside(
    work: Path, tmp_path: Path
) -> None:
    stop = threading.Event()

    def replace() -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            part = work / "part"
            part.symlink_to(tmp_path / "outside" if number % 2 else "src")
            part.replace(work / "folder")

    (work / "folder").symlink_to("src")
    other = threading.Thread(target=replace)
    other.start()
    try:
        answers = set()
        for number in range(TRIES):
            answers.add(type(await write(work, f"folder/new-{number}", "mine")))
            if number >= 200 and len(answers) > 1:
                break
    finally:
        stop.set()
        other.join()
    assert everything(tmp_path / "outside") == {"secret": SECRET}
    assert answers == {FileText, NotServed}


async def test_a_folder_that_is_hidden_is_no_place_for_a_command(work: Path) -> None:
    (work / ".ssh").mkdir()
    fence = alone(str(work))
    fence.mounts.put(Access.HIDE, [work / ".ssh"])
    served = await files(work, fence).folder(str(work / ".ssh"))
    assert served == NotServed(Fault.REFUSED, f"It is hidden from agents: {work / '.ssh'}")
    assert await files(work, fence).folder("src") == str(work / "src")
