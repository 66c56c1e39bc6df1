import os
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path

import anyio
import pytest

from inspan.errors import KeeperLost, SessionNotFound, Unable
from inspan.keeper.client import Grew, KeeperClient, ensure
from inspan.keeper.recording import INDEX, RAW, Record
from inspan.model.ids import session_id, ulid
from inspan.model.session import Chunk, Ended, Gap, Output, Resized
from inspan.model.task import Exit
from inspan.store import recordings as store
from inspan.store.recordings import CHUNK_MOST, Recordings
from inspan.terminal.screen import BLIND

pytestmark = pytest.mark.requirement("B6")

SESSION = session_id(ulid(1_700_000_000.0, bytes(10)), 1)


class HeldSession:
    """The keeper's half: writes a recording and wakes who watches, with room for one wake-up."""

    def __init__(self, root: Path) -> None:
        self.folder = root / SESSION
        self.folder.mkdir()
        (self.folder / RAW).touch()
        (self.folder / INDEX).touch()
        self.held = True
        self.lost = False
        self.size = 0
        self.watchers = 0
        #: What a push brings along, instead of the size alone.
        self.brings: Grew | None = None
        self._news = anyio.Condition()

    async def get(self) -> "HeldSession":
        return self

    async def grow(self, data: bytes, *records: Record) -> None:
        with (self.folder / INDEX).open("ab") as index:
            index.write(b"".join(record.pack() for record in records))
        with (self.folder / RAW).open("ab") as raw:
            raw.write(data)
        self.size += len(data)
        await self.notify()

    async def end(self, *records: Record) -> None:
        await self.grow(b"", *records)
        self.held = False
        await self.notify()

    async def lose(self) -> None:
        self.lost = True
        await self.notify()

    async def notify(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def watch(self, session: str, *, inline: bool) -> AsyncGenerator[object, None]:
        if not self.held:
            raise SessionNotFound(session)
        self.watchers += 1
        try:
            seen = -1
            while seen < self.size or self.held:
                async with self._news:
                    while self.held and not self.lost and self.size == seen:
                        await self._news.wait()
                if self.lost:
                    raise KeeperLost
                seen = self.size
                yield self.brings or seen
        finally:
            self.watchers -= 1


@pytest.fixture
def held(tmp_path: Path) -> HeldSession:
    return HeldSession(tmp_path)


@pytest.fixture
def recordings(tmp_path: Path, held: HeldSession) -> Recordings:
    return Recordings(tmp_path, held.get)


async def take(chunks: AsyncIterator[Chunk], count: int) -> list[Chunk]:
    return [await anext(chunks) for _ in range(count)]


@pytest.mark.anyio
async def test_a_follower_gets_what_is_there_and_what_comes(
    recordings: Recordings, held: HeldSession
) -> None:
    await held.grow(b"there", Record(1, 0, "r", 80, 24), Record(1, 0, "o"))
    chunks = recordings.follow(SESSION, 0)
    with anyio.fail_after(30):
        assert await take(chunks, 2) == [Resized(0, 80, 24), Output(0, b"there")]
        await held.grow(b" and then")
        assert await take(chunks, 1) == [Output(5, b" and then")]
        await held.grow(b"!")
        await held.end(Record(2, 15, "x", 0, 0))
        assert [chunk async for chunk in chunks] == [Output(14, b"!"), Ended(15, Exit(code=0))]
    assert held.watchers == 0


@pytest.mark.anyio
async def test_what_comes_along_is_told_from_where_the_follower_is(
    recordings: Recordings, held: HeldSession
) -> None:
    await held.grow(b"abc", Record(1, 0, "r", 80, 24), Record(1, 0, "o"))
    chunks = recordings.follow(SESSION, 1)
    with anyio.fail_after(30):
        assert await take(chunks, 2) == [Resized(0, 80, 24), Output(1, b"bc")]
        held.brings = Grew(6, b"cdef", "o")
        await held.grow(b"def")
        assert await take(chunks, 1) == [Output(3, b"def")]
        # It begins behind the follower: the recording tells what lies between.
        held.brings = Grew(9, b"i", "e")
        await held.grow(b"ghi", Record(2, 8, "e"))
        assert await take(chunks, 2) == [Output(6, b"gh"), Output(8, b"i", "err")]
        held.brings = Grew(10, b"j", "e")
        await held.grow(b"j")
        assert await take(chunks, 1) == [Output(9, b"j", "err")]
        held.brings = None
        await held.end(Record(2, 10, "x", 0, 0))
        assert [chunk async for chunk in chunks] == [Ended(10, Exit(code=0))]


@pytest.mark.anyio
async def test_nothing_is_missed_while_a_follower_is_slow(
    recordings: Recordings, held: HeldSession
) -> None:
    expected = b"".join(bytes([65 + at % 26]) * 5_000 for at in range(200))
    got = b""

    async def print_it() -> None:
        for at in range(200):
            await held.grow(
                bytes([65 + at % 26]) * 5_000, *([Record(1, 0, "o")] if at == 0 else [])
            )
            await anyio.lowlevel.checkpoint()
        await held.end(Record(2, held.size, "x", 0, 0))

    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(print_it)
            async for chunk in recordings.follow(SESSION, 0):
                if isinstance(chunk, Output):
                    assert len(chunk.data) <= CHUNK_MOST
                    got += chunk.data
    assert got == expected


@pytest.mark.anyio
async def test_a_follower_in_the_middle_is_told_the_size(
    recordings: Recordings, held: HeldSession
) -> None:
    await held.grow(b"abcdef", Record(1, 0, "r", 90, 20), Record(1, 0, "o"))
    await held.end(Record(2, 6, "x", 0, 9))
    with anyio.fail_after(30):
        assert [chunk async for chunk in recordings.follow(SESSION, 4)] == [
            Resized(0, 90, 20),
            Output(4, b"ef"),
            Ended(6, Exit(signal=9)),
        ]


@pytest.mark.anyio
async def test_where_the_keeper_is_lost_the_end_still_comes(
    recordings: Recordings, held: HeldSession
) -> None:
    await held.grow(b"abc", Record(1, 0, "o"))
    chunks = recordings.follow(SESSION, 0)
    with anyio.fail_after(30):
        assert await take(chunks, 1) == [Output(0, b"abc")]
        await held.lose()
        assert [chunk async for chunk in chunks] == [Ended(3, None)]


@pytest.mark.anyio
async def test_a_session_that_no_keeper_holds_is_read_to_its_end(
    recordings: Recordings, held: HeldSession
) -> None:
    await held.grow(b"abcdef", Record(1, 0, "o"), Record(1, 1, "m", 0, 3))
    held.held = False
    with anyio.fail_after(30):
        assert [chunk async for chunk in recordings.follow(SESSION, 0)] == [
            Output(0, b"a"),
            Gap(1, 4),
            Output(4, b"ef"),
            Ended(6, None),
        ]


@pytest.mark.anyio
async def test_a_follower_that_leaves_is_forgotten(
    recordings: Recordings, held: HeldSession
) -> None:
    await held.grow(b"abc", Record(1, 0, "o"))
    with anyio.move_on_after(10) as waiting:
        async with (
            aclosing(recordings.follow(SESSION, 3)) as chunks,
            anyio.create_task_group() as g,
        ):

            async def wait() -> None:
                await anext(chunks)

            g.start_soon(wait)
            while not held.watchers:
                await anyio.lowlevel.checkpoint()
            g.cancel_scope.cancel()
    assert not waiting.cancelled_caught
    assert held.watchers == 0


@pytest.mark.anyio
async def test_reading_does_not_wait(recordings: Recordings, held: HeldSession) -> None:
    await held.grow(b"abc", Record(1, 0, "o"))
    assert await recordings.read(SESSION, 1, 1) == (Output(1, b"b"),)
    assert await recordings.read(SESSION, 3, 1) == ()


@pytest.mark.anyio
@pytest.mark.parametrize(
    "session", ["", "..", "../secret", SESSION.upper() + "x", SESSION + "\n", "/etc", "a" * 26]
)
async def test_what_is_no_session_id_never_becomes_a_path(
    recordings: Recordings, session: str
) -> None:
    with pytest.raises(SessionNotFound):
        await recordings.read(session, 0, 1)
    with pytest.raises(SessionNotFound):
        await anext(recordings.follow(session, 0))
    with pytest.raises(SessionNotFound):
        await recordings.remove(session)


@pytest.mark.anyio
async def test_removing_gives_the_bytes_back(recordings: Recordings, held: HeldSession) -> None:
    await held.grow(b"x" * 100_000, Record(1, 0, "o"))
    os.truncate(held.folder / RAW, 1 << 30)
    removed = await recordings.remove(SESSION)
    assert 50_000 < removed < 10_000_000
    assert not held.folder.exists()
    with pytest.raises(SessionNotFound):
        await recordings.read(SESSION, 0, 1)
    with pytest.raises(SessionNotFound):
        await recordings.remove(SESSION)


@pytest.mark.anyio
async def test_usage_names_every_recording_and_nothing_else(
    recordings: Recordings, held: HeldSession, tmp_path: Path
) -> None:
    await held.grow(b"x" * 10_000, Record(1, 0, "o"))
    older = session_id(ulid(1_600_000_000.0, bytes(10)), 1)
    (tmp_path / older).mkdir()
    (tmp_path / "lost+found").mkdir()
    (tmp_path / session_id(ulid(1_500_000_000.0, bytes(10)), 1)).symlink_to("/")
    usage = await recordings.usage()
    assert [session for session, _ in usage] == [older, SESSION]
    assert usage[0][1] == 0
    assert usage[1][1] > 9_000
    assert await Recordings(tmp_path / "none", held.get).usage() == ()


@pytest.mark.anyio
async def test_removing_follows_no_link(recordings: Recordings, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("keep")
    held = tmp_path / SESSION
    (held / "link").symlink_to(outside)
    await recordings.remove(SESSION)
    assert (outside / "precious").read_text() == "keep"
    held.symlink_to(outside)
    with pytest.raises(SessionNotFound):
        await recordings.remove(SESSION)
    with pytest.raises(SessionNotFound):
        await recordings.read(SESSION, 0, 1)
    assert (outside / "precious").read_text() == "keep"


@pytest.mark.anyio
async def test_a_real_session_is_followed_to_its_end(tmp_path: Path) -> None:
    root = tmp_path / "recordings"
    with anyio.fail_after(20):
        keeper = await ensure(tmp_path / "k.sock", tmp_path)

        async def get() -> KeeperClient:
            return keeper

        try:
            recordings = Recordings(root, get)
            command = "echo one; read line; echo two $line; exit 3"
            await keeper.spawn(
                session=SESSION,
                argv=["/bin/sh", "-c", command],
                cwd=str(tmp_path),
                env={"PATH": "/usr/bin:/bin"},
                folder=str(root / SESSION),
                pty=False,
            )
            got = b""
            chunks: list[Chunk] = []
            async for chunk in recordings.follow(SESSION, 0):
                chunks.append(chunk)
                got += chunk.data if isinstance(chunk, Output) else b""
                if got == b"one\n":
                    await keeper.write(SESSION, b"three\n")
            assert got == b"one\ntwo three\n"
            assert chunks[-1] == Ended(len(got), Exit(code=3))
            assert (await recordings.read(SESSION, 0, 100))[-1] == chunks[-1]
        finally:
            await keeper.shutdown(force=True)
            await keeper.close()


def joined(chunks: Sequence[Chunk]) -> list[Chunk]:
    """The same with each stretch of output in one piece."""
    found: list[Chunk] = []
    for chunk in chunks:
        last = found[-1] if found else None
        if isinstance(chunk, Output) and isinstance(last, Output) and chunk.stream == last.stream:
            found[-1] = Output(last.offset, last.data + chunk.data, last.stream)
        else:
            found.append(chunk)
    return found


@pytest.mark.anyio
@pytest.mark.parametrize("pty", [True, False])
async def test_what_was_followed_is_what_was_recorded(tmp_path: Path, pty: bool) -> None:
    root = tmp_path / "recordings"
    command = "while read line; do echo $line; case $line in *0) echo x >&2;; esac; done"
    with anyio.fail_after(20):
        keeper = await ensure(tmp_path / "k.sock", tmp_path)

        async def get() -> KeeperClient:
            return keeper

        try:
            recordings = Recordings(root, get)
            await keeper.spawn(
                session=SESSION,
                argv=["/bin/sh", "-c", command],
                cwd=str(tmp_path),
                env={"PATH": "/usr/bin:/bin"},
                folder=str(root / SESSION),
                pty=pty,
            )
            chunks: list[Chunk] = []

            async def follow() -> None:
                chunks.extend([chunk async for chunk in recordings.follow(SESSION, 0)])

            async with anyio.create_task_group() as group:
                group.start_soon(follow)
                for number in range(100):
                    await keeper.write(SESSION, b"%d\n" % number)
                    if pty and number % 7 == 0:
                        await keeper.resize(SESSION, 80 + number, 24)
                await keeper.eof(SESSION)
            assert joined(chunks) == joined(await recordings.read(SESSION, 0, 1 << 20))
        finally:
            await keeper.shutdown(force=True)
            await keeper.close()


@pytest.mark.anyio
async def test_what_is_no_session_or_has_no_recording_is_not_found(tmp_path: Path) -> None:
    async def no_keeper() -> KeeperClient:
        raise KeeperLost

    recordings = Recordings(tmp_path, no_keeper)
    for session in ("../elsewhere", SESSION):
        with pytest.raises(SessionNotFound):
            await recordings.remove(session)


@pytest.mark.anyio
async def test_without_an_emulator_that_can_draw_it_is_said_what_brings_one(
    recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_backend", lambda: BLIND)
    with pytest.raises(Unable, match="what a terminal showed") as refused:
        await recordings.frame(SESSION, 0)
    assert "inspan[agents]" in refused.value.hint
    assert await recordings.read(SESSION, 0, 10) == ()
