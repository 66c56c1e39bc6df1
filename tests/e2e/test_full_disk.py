"""The disk is full: what was accepted stays, what is asked for is refused, and then it goes on.

Once on a small file system of its own, where this machine lets us mount one; and everywhere with
a database that SQLite may not let grow, which fails with the very same error.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Self

import anyio
import pytest

import inspan
from inspan import app
from inspan.client.sync import SyncControl
from inspan.control import EventQuery
from inspan.engine.engine import Engine
from inspan.errors import DiskFull
from inspan.model.session import Ended, Gap, Output
from inspan.model.task import Task, TaskSpec, TaskState, WorkspaceKind
from inspan.settings import load
from tests.fakes.repository import make_repository
from tests.real.daemon import Daemon, until
from tests.real.gates import gate

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("A4", "B5", "B7")]

#: A file system of 6 MB over a part of the state directory, for the daemon and what it starts only.
_MOUNT = """\
config=$(cat "$0/config.yaml")
mkdir -p "$0/$1"
mount -t tmpfs -o size=6m,mode=700 none "$0/$1"
test "$1" != . || printf '%s\\n' "$config" >"$0/config.yaml"
shift
exec "$@"
"""

#: Prints 1.3 MB once it may.
PRINTED = b"".join(b"%d\r\n" % number for number in range(1, 200_001))
LOUD = 'until test -e "$1"; do sleep 0.02; done; seq 200000; touch "$1.over"'


class SmallDisk(Daemon):
    """A daemon whose state is on a file system of its own, and a way to fill that."""

    #: Where the file system is mounted in the state directory.
    folder = "."

    def start(self) -> Self:
        self.prefix = ("unshare", "-m", "sh", "-ec", _MOUNT, str(self.home), self.folder)
        return super().start()

    def restart(self) -> None:
        """Another daemon on the same file system, which lives as long as the keeper does."""
        keeper = self.keeper_pid()
        self.stop()
        self.prefix = ("nsenter", "-t", str(keeper), "-m")
        super().start()

    @property
    def inside(self) -> Path:
        """That part of the state directory as the daemon sees it."""
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/root{self.home}") / self.folder

    def fill(self) -> None:
        with (self.inside / "filler").open("ab", buffering=0) as file:
            for size in (1 << 16, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    def free(self) -> None:
        (self.inside / "filler").unlink()


def _mounts() -> bool:
    script = 'mount -t tmpfs -o size=1m none "$0"'
    try:
        tried = subprocess.run(
            ["unshare", "-m", "sh", "-ec", script, "/mnt"], capture_output=True, check=False
        )
    except FileNotFoundError:
        return False
    return tried.returncode == 0


@pytest.mark.skipif(not _mounts(), reason="no file system can be mounted here; see the next test")
def test_a_full_disk_refuses_work_loses_nothing_and_is_got_over(tmp_path: Path) -> None:
    with SmallDisk("roles: {default: 20}\n") as daemon, daemon.control() as control:
        before = control.wait(control.submit(daemon.spec("echo", "before")).id)
        quiet = control.submit(daemon.spec(*gate(tmp_path / "quiet")))
        loud = control.submit(daemon.spec("sh", "-c", LOUD, "sh", str(tmp_path / "loud")))
        # One that is spawned later waits for room: see the next tests.
        until(lambda: all(control.get(t.id).pid for t in (quiet, loud)), "both to be spawned")
        daemon.fill()
        assert not any("refused" in warning for warning in control.health().warnings)
        refused = _refused(control, daemon.spec("true"))
        assert any("refused the last write" in warning for warning in control.health().warnings)
        assert (refused.code, bool(refused.hint)) == ("disk-full", True)
        assert control.get(before.id) == before
        # What ends meanwhile has ended, and is told when it can be stored.
        (tmp_path / "quiet").touch()
        (tmp_path / "loud").touch()
        until((tmp_path / "loud.over").exists, "the loud one to print all it has")
        assert _all_run(control, quiet, loud)
        keeper = daemon.keeper_pid()
        daemon.free()
        assert control.wait(quiet.id, 60).state is TaskState.COMPLETED
        ended = control.wait(loud.id, 60)
        assert (ended.state, ended.output_bytes) == (TaskState.COMPLETED, len(PRINTED))
        # The end of a recording that found no room is written when there is some.
        until(lambda: _over(control, loud), "the end of the recording")
        _told_truly(control, loud)
        assert keeper is not None
        assert daemon.keeper_pid() == keeper
        after = control.wait(control.submit(daemon.spec("echo", "after")).id)
        assert after.state is TaskState.COMPLETED
        assert not any("refused" in warning for warning in control.health().warnings)
        known = control.list().counts
        daemon.restart()
        assert control.list().counts == known
        assert control.get(before.id) == before
        assert control.history(EventQuery(task=loud.id))[-1].kind == "task.completed"


class SmallRecordings(SmallDisk):
    """Room for facts and, once the file system is full, none for recordings."""

    folder = "recordings"


@pytest.mark.skipif(not _mounts(), reason="no file system can be mounted here")
def test_what_can_have_no_recording_waits_for_room_and_says_so(tmp_path: Path) -> None:
    with SmallRecordings() as daemon, daemon.control() as control:
        daemon.fill()
        held = control.submit(daemon.spec("sh", "-c", f"echo once >>{tmp_path}/ran"))
        given_up = control.submit(daemon.spec("true"))
        until(lambda: "2 tasks cannot go on" in str(control.health().warnings), "the warning")
        env = {**daemon.env, "PATH": os.environ["PATH"]}
        for words in (["status"], ["doctor"]):
            said = subprocess.run(
                [sys.executable, "-m", "inspan.cli.main", *words],
                env=env,
                capture_output=True,
                check=False,
            )
            assert b"2 tasks cannot go on for now" in said.stdout, said
        assert control.cancel(given_up.id).state is TaskState.CANCELLED
        waits = control.get(held.id)
        assert (waits.state, waits.pid) == (TaskState.RUNNING, None)
        daemon.free()
        ended = control.wait(held.id, 60)
        assert (ended.state, ended.attempt) == (TaskState.COMPLETED, 1)
        assert (tmp_path / "ran").read_text() == "once\n"
        assert not any("cannot go on" in warning for warning in control.health().warnings)


class SmallWorkspaces(SmallDisk):
    """Room for everything but workspaces, once the file system is full."""

    folder = "workspaces"


@pytest.mark.skipif(not _mounts(), reason="no file system can be mounted here")
def test_what_can_have_no_workspace_waits_for_room(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repository")
    with SmallWorkspaces() as daemon, daemon.control() as control:
        daemon.fill()
        kinds = (WorkspaceKind.FOLDER, WorkspaceKind.WORKTREE)
        plain = replace(daemon.spec("true"), cwd=str(repository))
        held = control.submit_all([replace(plain, workspace=kind) for kind in kinds])
        until(lambda: "2 tasks cannot go on" in str(control.health().warnings), "the warning")
        daemon.free()
        for task in held:
            ended = control.wait(task.id, 60)
            assert (ended.state, ended.attempt) == (TaskState.COMPLETED, 1), ended.reason


def _over(control: SyncControl, task: Task) -> bool:
    return any(isinstance(chunk, Ended) for chunk in control.read(task.id, len(PRINTED)))


def _told_truly(control: SyncControl, task: Task) -> None:
    """What is there is what was printed, and what is not there is told."""
    told = missing = 0
    while chunks := [c for c in control.read(task.id, told) if not isinstance(c, Ended)]:
        for chunk in chunks:
            if isinstance(chunk, Gap):
                assert chunk.start == told
                missing += chunk.end - chunk.start
                told = chunk.end
            elif isinstance(chunk, Output):
                assert chunk.offset == told
                told += len(chunk.data)
                assert chunk.data == PRINTED[chunk.offset : told]
    assert told == len(PRINTED)
    assert missing


def _all_run(control: SyncControl, *tasks: Task) -> bool:
    return all(control.get(task.id).state is TaskState.RUNNING for task in tasks)


def _refused(control: SyncControl, spec: TaskSpec) -> DiskFull:
    """Some room is left in what is open already; so the first ones may be accepted."""
    for _ in range(2000):
        try:
            control.submit(replace(spec, labels={"room": "x" * 4000}))
        except DiskFull as error:
            return error
    raise AssertionError("it accepts without end")


@pytest.mark.anyio
async def test_a_database_that_may_not_grow_does_the_same(tmp_path: Path) -> None:
    daemon = Daemon()  # only its home, and its end
    places = daemon.places
    door = tmp_path / "door"
    async with app.engine(places, load(places.config)) as engine:
        before = await inspan.wait(engine, (await engine.submit(daemon.spec("true"))).id)
        held = await engine.submit(daemon.spec(*gate(door)))
        with anyio.fail_after(30):
            async for event in engine.watch(0, task=held.id):
                if event.kind == "attempt.spawned":
                    break
        await _pages(engine, 1)
        large = daemon.spec("true", labels={"room": "x" * 10_000_000})
        with pytest.raises(DiskFull) as refused:
            await engine.submit(large)
        assert refused.value.code == "disk-full"
        assert await engine.get(before.id) == before
        page = await engine.list()
        # Its process ends; the fact is kept until it can be stored.
        door.touch()
        await _pages(engine, 1 << 30)
        with anyio.fail_after(60):
            ended = await inspan.wait(engine, held.id)
        assert ended.state is TaskState.COMPLETED
        for task in page.tasks:
            with anyio.fail_after(60):
                assert (await inspan.wait(engine, task.id)).state is TaskState.COMPLETED
        counts = (await engine.list()).counts
    with daemon, daemon.control() as control:
        assert control.list().counts == counts


async def _pages(engine: Engine, most: int) -> None:
    """How many pages the database may have; SQLite takes no fewer than there are."""
    await _pragma(engine, f"max_page_count = {most}")


async def _pragma(engine: Engine, setting: str) -> None:
    pragma = f"PRAGMA {setting}"
    await engine._ports.store._ask(lambda connection: connection.execute(pragma).fetchall())  # type: ignore[attr-defined]


@pytest.mark.anyio
async def test_what_comes_due_while_there_is_no_room_waits_for_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    daemon = Daemon("roles: {narrow: 1}\n")  # only its home, and its end
    places = daemon.places
    door = tmp_path / "door"
    async with app.engine(places, load(places.config)) as engine:
        held = await engine.submit(daemon.spec(*gate(door), role="narrow"))
        queued = await engine.submit(daemon.spec("true", role="narrow"))
        after = await engine.submit(daemon.spec("true", after=(held.id,)))
        never = await engine.submit(daemon.spec("false"))
        fallen = await engine.submit(daemon.spec("true", after=(never.id, held.id)))
        delayed = await engine.submit(daemon.spec("true", not_before=time.time() + 1))
        with anyio.fail_after(30):
            assert (await inspan.wait(engine, never.id)).state is TaskState.FAILED
        await _pragma(engine, "query_only = ON")  # there is no room for the smallest fact
        door.touch()

        def due() -> bool:
            refused = {getattr(record, "task", "") for record in caplog.records}
            return {held.id, delayed.id} <= refused

        await anyio.to_thread.run_sync(until, due, "both to find no room")
        assert (await engine.get(delayed.id)).state is TaskState.PENDING
        await _pragma(engine, "query_only = OFF")
        for task in (held, queued, after, delayed):
            with anyio.fail_after(60):
                assert (await inspan.wait(engine, task.id)).state is TaskState.COMPLETED
        counts = (await engine.list()).counts
    with daemon, daemon.control() as control:
        assert control.get(fallen.id).state is TaskState.CANCELLED
        assert control.list().counts == counts
