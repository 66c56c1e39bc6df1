"""What cannot be started is refused with its reason, leaves nothing behind, and happens once."""

import errno
import os
import resource
from pathlib import Path

import pytest

from inspan.errors import (
    AlreadyRecorded,
    BadInput,
    FolderMissing,
    InspanError,
    ProgramNotFound,
    SessionNotFound,
    SpawnFailed,
)
from inspan.keeper import spawn
from tests.unit.keeper.desk import Desk, Keeper, descriptors, running

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B3")]


async def refused(desk: Desk, kind: type[InspanError], *argv: str, **more: object) -> InspanError:
    """The error, once it is certain that nothing was left by it."""
    pid = desk.keeper.process.pid
    before = descriptors(pid)
    with pytest.raises(kind) as caught:
        await desk.spawn("no", *argv, **more)
    assert type(caught.value) is kind
    assert descriptors(pid) == before
    folder = desk.folder("no")
    assert not folder.exists() or not list(folder.iterdir())
    with pytest.raises(SessionNotFound):
        await desk.client.status("no")
    return caught.value


@pytest.mark.parametrize("pty", [True, False])
async def test_programs_that_cannot_be_run(desk: Desk, tmp_path: Path, *, pty: bool) -> None:
    def file(name: str, text: str, mode: int) -> str:
        path = tmp_path / name
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    missing = await refused(desk, ProgramNotFound, "no-such-program", pty=pty)
    assert "on the PATH" in missing.message
    await refused(desk, ProgramNotFound, "/no/such/program", pty=pty)
    plain = await refused(desk, ProgramNotFound, file("plain", "x", 0o600), pty=pty)
    assert "not executable" in plain.message
    folder = await refused(desk, ProgramNotFound, str(tmp_path), pty=pty)
    assert "a folder" in folder.message
    lost = file("lost", "#!/no/such/interpreter\n", 0o700)
    assert "interpreter" in (await refused(desk, ProgramNotFound, lost, pty=pty)).message
    await refused(desk, SpawnFailed, file("text", "no program", 0o700), pty=pty)
    await refused(desk, SpawnFailed, "true", "x" * 300_000, pty=pty)


async def test_a_relative_program_is_looked_for_in_the_working_folder(
    desk: Desk, tmp_path: Path
) -> None:
    (tmp_path / "here").write_text("#!/bin/sh\npwd\n")
    (tmp_path / "here").chmod(0o700)
    for number, env in enumerate(({"PATH": ""}, {"PATH": "/nowhere:."})):
        _, raw = await desk.run(f"path-{number}", "here", cwd=str(tmp_path), env=env, pty=False)
        assert raw.decode().strip() == str(tmp_path)
    _, raw = await desk.run("dot", "./here", cwd=str(tmp_path), env={}, pty=False)
    assert raw.decode().strip() == str(tmp_path)


async def test_folders_that_cannot_be_worked_in(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    await refused(desk, FolderMissing, "true", cwd=str(tmp_path / "gone"))
    await refused(desk, FolderMissing, "true", cwd=str(tmp_path / "file"))
    _, raw = await desk.run("after", "pwd", pty=False)
    assert raw == b"/\n"
    assert Path(f"/proc/{desk.keeper.process.pid}/cwd").readlink() == Path("/")


@pytest.mark.parametrize(
    "more",
    [
        {"session": "No"},
        {"session": ""},
        {"session": "a" * 65},
        {"session": "a/b"},
        {"session": "a\n"},
        {"argv": []},
        {"argv": [""]},
        {"argv": ["tr\0ue"]},
        {"argv": ["true", "\0"]},
        {"argv": "true"},
        {"argv": ["true", 1]},
        {"env": {"A": "\0"}},
        {"env": {"A=B": "x"}},
        {"env": {"": "x"}},
        {"env": {"A": 1}},
        {"env": ["A"]},
        {"cwd": "relative"},
        {"cwd": "/\0"},
        {"folder": "relative"},
        {"folder": "/\0"},
        {"folder": 3},
        {"cols": 0},
        {"rows": 10_001},
        {"cols": True},
        {"cap": 1},
        {"pty": "yes"},
        {"nofile": 1},
        {"session": None},
    ],
    ids=repr,
)
async def test_arguments_that_are_none(desk: Desk, more: dict[str, object]) -> None:
    message = {
        "op": "spawn",
        "session": "no",
        "argv": ["true"],
        "cwd": "/",
        "env": {"PATH": os.environ["PATH"]},
        "folder": str(desk.folder("no")),
    }
    with pytest.raises(BadInput) as caught:
        await desk.client._link.call({**message, **more})
    assert next(iter(more)) in caught.value.message
    assert not desk.folder("no").exists()
    assert await desk.client.list() == ()


async def test_a_recording_that_cannot_be_made(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SpawnFailed):
        await desk.spawn("no", "true", folder=str(tmp_path / "file" / "below"))


async def test_a_session_is_started_once(desk: Desk) -> None:
    first = await desk.spawn("once", "sleep", "60")
    second = await desk.spawn("once", "sleep", "60")
    assert (first.new, second.new, second.pid) == (True, False, first.pid)
    async with await desk.keeper.client() as other:
        again = await Desk(desk.keeper, other).spawn("once", "never", "run")
    assert (again.new, again.pid) == (False, first.pid)
    await desk.client.kill("once")
    await desk.ended("once")
    assert not (await desk.spawn("once", "sleep", "60")).new
    await desk.client.collect("once")
    with pytest.raises(AlreadyRecorded):
        await desk.spawn("once", "sleep", "60")


async def test_a_session_of_an_earlier_keeper_is_not_started_again(home: Path) -> None:
    first = Keeper(home)
    async with await first.client() as client:
        desk = Desk(first, client)
        spawned = await desk.spawn("early", "sh", "-c", "echo ready; sleep 60")
        await desk.until("early", b"ready")
    first.process.kill()
    first.process.wait()
    # What it recorded is readable, and simply has no end.
    assert desk.raw("early") == b"ready\r\n"
    assert [record.kind for record in desk.index("early")] == ["r", "o"]
    second = Keeper(home)
    async with await second.client() as client:
        with pytest.raises(AlreadyRecorded):
            await Desk(second, client).spawn("early", "sleep", "60")
    assert not running(spawned.pid)
    second.stop()


def test_a_limit_that_the_system_does_not_know_keeps_nothing_from_being_started() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with spawn._limit(1 << 20, 5):
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


def test_a_disk_that_fails_is_not_called_a_missing_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: str) -> None:
        raise OSError(errno.EIO, "the disk fails")

    monkeypatch.chdir(tmp_path)  # and back when this is over
    home = spawn.Home()
    with monkeypatch.context() as patched:
        patched.setattr(os, "chdir", failing)
        with pytest.raises(OSError, match="the disk fails"), home.away(str(tmp_path)):
            pass
    assert Path.cwd() == Path("/")
    with home.away(str(tmp_path)):
        assert Path.cwd() == tmp_path
    os.close(home._fd)
