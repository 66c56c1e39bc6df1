"""Transcripts: what was appended is read, whatever ended the process that wrote it."""

from __future__ import annotations

import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inspan.errors import BadInput, DiskFull, StoreCorrupt, StoreFailed
from inspan.model.code import (
    CODE_FACTS,
    Asked,
    CellBegan,
    CellEnd,
    CellEnded,
    CellEntered,
    CellError,
    CellOptions,
    CellState,
    CheckpointMade,
    CheckpointRestored,
    Cleared,
    Climbed,
    CodeEvent,
    CodeFact,
    Given,
    LostName,
    Opened,
    Printed,
    Restored,
    RunEnded,
    Saved,
    Shown,
    Wanted,
)
from inspan.model.task import Reason
from inspan.store.transcripts import OPEN_MOST, TOLD, MemoryTranscripts, Transcripts

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D1", "D9")]

CAP = 1 << 20
ID = "py-01k00000000000000000000000"
LOST = LostName("f", "file", "It is open for writing.")
FACTS: tuple[CodeFact, ...] = (
    Opened(1, 4711, "3.13.0", "less confined"),
    CellEntered("c1", 1, "print('☃\udcff')", CellOptions(mode="simple_sync", silent=True)),
    CellBegan("c1", "simple_sync"),
    Printed("c1", "stdout", "☃\udcff\n\x00", 3),
    Printed(None, "stderr", "late"),
    Shown("c1", {"image/png": "aGk="}, {"width": 3.5}, "d1", True),
    Cleared("c1", True),
    Wanted("c1", "r1", "who? ", True),
    Given("r1"),
    Asked("c1", "4711-1", "tasks.submit"),
    Climbed("c1", "signal", 0.25),
    CellEnded("c1", CellEnd(state=CellState.DONE, seconds=0.5, count=1, value=2.5, repr="2.5")),
    CellEnded(
        "c2",
        CellEnd(state=CellState.FAILED, error=CellError("SystemExit", "3", ("Traceback", "x"), 3)),
    ),
    CheckpointMade(Saved(name="kept", at=1.5, size=9, names=("x",), lost=(LOST,))),
    CheckpointRestored(Restored(name="kept", names=("x",), lost=(LOST,))),
    RunEnded(1, Reason("session-died", "It was killed.")),
)


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[Transcripts]:
    made = Transcripts(tmp_path / "transcripts", cap=CAP)
    yield made
    made.close()


def path(tmp_path: Path, session: str = ID) -> Path:
    return tmp_path / "transcripts" / f"{session}.jsonl"


def event(seq: int, fact: CodeFact, session: str = ID) -> CodeEvent:
    return CodeEvent(seq, 1.7e9 + seq / 8, session, fact)


def write(files: Transcripts | MemoryTranscripts, *facts: CodeFact) -> tuple[CodeEvent, ...]:
    events = tuple(event(seq, fact) for seq, fact in enumerate(facts, 1))
    for one in events:
        files.append(one, f"mark {one.seq}")
    return events


@pytest.mark.parametrize("where", ["files", "memory"])
async def test_every_fact_is_read_back_equal(files: Transcripts, where: str) -> None:
    transcripts = files if where == "files" else MemoryTranscripts()
    assert {fact.kind for fact in FACTS} == set(CODE_FACTS)
    assert await transcripts.last(ID) == (0, "")
    assert await transcripts.read(ID, 0, 10) == ()
    events = write(transcripts, *FACTS)
    assert await transcripts.read(ID, 0, 100) == events
    assert await transcripts.read(ID, 3, 4) == events[3:7]
    assert await transcripts.read(ID, len(events), 4) == ()
    assert await transcripts.last(ID) == (len(events), f"mark {len(events)}")
    size = await transcripts.size(ID)
    assert await transcripts.remove(ID) == size
    assert await transcripts.last(ID) == (0, "")
    assert await transcripts.remove(ID) == 0


async def test_any_place_of_a_long_transcript_is_found(files: Transcripts) -> None:
    sizes = [(seq * 7919) % 3000 + (100_000 if seq % 211 == 0 else 0) for seq in range(600)]
    events = write(files, *(CellEntered(f"c{size}", 1, "x" * size) for size in sizes))
    for since in (0, 1, 210, 211, 212, 400, 598, 599, 600, 700):
        assert await files.read(ID, since, 3) == events[since : since + 3]


async def test_a_torn_line_is_cut_off_and_what_follows_is_whole(
    files: Transcripts, tmp_path: Path
) -> None:
    events = write(files, *FACTS[:3])
    files.close()
    whole = path(tmp_path).read_bytes()
    for torn in (b'{"seq":4', b'{"seq":4,"at":1.5,"mark":"', b"\x00" * 70_000):
        path(tmp_path).write_bytes(whole + torn)
        again = Transcripts(tmp_path / "transcripts", cap=CAP)
        assert await again.last(ID) == (3, "mark 3")
        assert await again.read(ID, 0, 10) == events
        again.append(event(4, FACTS[3]), "mark 4")
        assert await again.read(ID, 0, 10) == (*events, event(4, FACTS[3]))
        again.close()


async def test_text_beyond_the_cap_is_not_kept_and_its_size_is(
    files: Transcripts, tmp_path: Path
) -> None:
    text = "x" * (1 << 18)
    kept = write(files, *(Printed("c1", "stdout", text) for _ in range(4)))
    for seq in range(5, 15):
        files.append(event(seq, Printed("c1", "stderr", text)), f"mark {seq}")
    files.append(event(15, Shown("c1", {"text/plain": "abc"})), "mark 15")
    end = event(16, CellEnded("c1", CellEnd(state=CellState.DONE)))
    files.append(end, "mark 16")
    found = await files.read(ID, 0, 100)
    assert found[:4] == kept
    gone = [one.fact for one in found[4:-1]]
    assert all(isinstance(fact, Printed) and not fact.text for fact in gone)
    assert sum(fact.dropped for fact in gone if isinstance(fact, Printed)) == 10 * len(text) + 3
    assert len(gone) == 10 * len(text) // TOLD + 1
    assert found[-1] == end
    assert path(tmp_path).stat().st_size < CAP + 2000


async def test_who_reads_in_between_is_told_what_was_not_kept(files: Transcripts) -> None:
    write(files, CellEntered("c1", 1, "x" * CAP))
    files.append(event(2, Printed("c1", "stdout", "ü")), "mark 2")
    files.append(event(3, Printed("c1", "stderr", "", 5)), "mark 3")
    assert await files.last(ID) == (3, "mark 3")
    assert await files.read(ID, 1, 9) == (event(3, Printed("c1", "stderr", "", 7)),)


async def test_few_files_are_open_at_once(files: Transcripts, tmp_path: Path) -> None:
    descriptors = Path("/proc/self/fd")
    before = len([*descriptors.iterdir()]) if descriptors.is_dir() else 0
    names = [f"py-{number}" for number in range(2 * OPEN_MOST)]
    for seq in (1, 2):
        for name in names:
            files.append(event(seq, Given("r"), name), "m")
    if before:
        assert len([*descriptors.iterdir()]) <= before + OPEN_MOST
    for name in names:
        assert [one.seq for one in await files.read(name, 0, 9)] == [1, 2]
    assert path(tmp_path).parent.stat().st_mode & 0o777 == 0o700
    assert path(tmp_path, names[0]).stat().st_mode & 0o777 == 0o600


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond ``size`` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_line_that_does_not_fit_is_not_there(files: Transcripts) -> None:
    events = write(files, *FACTS[:3])
    size = await files.size(ID)
    with room_for(size + 10), pytest.raises(DiskFull):
        files.append(event(4, FACTS[3]), "mark 4")
    with room_for(size), pytest.raises(StoreFailed):
        files.append(event(4, FACTS[3]), "mark 4")
    files.append(event(5, FACTS[4]), "mark 5")
    assert await files.read(ID, 0, 9) == (*events, event(5, FACTS[4]))


async def test_what_has_no_room_when_a_file_is_let_go_is_missing_and_nothing_else(
    files: Transcripts,
) -> None:
    events = write(files, *FACTS[:3])
    size = await files.size(ID)
    with room_for(size):
        files.append(event(4, FACTS[3]), "mark 4", more=True)
        files.release(ID)
    assert await files.read(ID, 0, 9) == events
    files.append(event(5, FACTS[4]), "mark 5")
    assert await files.read(ID, 0, 9) == (*events, event(5, FACTS[4]))


async def test_what_comes_at_once_is_written_at_once_or_not_at_all(
    files: Transcripts, tmp_path: Path
) -> None:
    (first,) = write(files, *FACTS[:1])
    size = path(tmp_path).stat().st_size
    begun, ended = event(2, FACTS[1]), event(3, FACTS[2])
    files.append(begun, "mark 2", more=True)
    assert path(tmp_path).stat().st_size == size
    files.append(ended, "mark 3")
    assert await files.read(ID, 0, 9) == (first, begun, ended)
    size = path(tmp_path).stat().st_size
    files.append(event(4, Given("r")), "mark 4", more=True)
    with room_for(size + 200), pytest.raises(StoreFailed):
        files.append(event(5, Given("r" * 300)), "mark 5")
    files.append(event(6, FACTS[4]), "mark 6")
    assert await files.read(ID, 0, 9) == (first, begun, ended, event(6, FACTS[4]))
    files.append(event(7, Given("r")), "mark 7", more=True)
    files.release(ID)
    assert await files.last(ID) == (7, "mark 7")


async def test_what_is_no_transcript_is_told(files: Transcripts, tmp_path: Path) -> None:
    write(files, *FACTS[:1])
    for line in (b"nonsense\n", b'{"seq":1}\n', b"[]\n"):
        path(tmp_path).write_bytes(line)
        with pytest.raises(StoreCorrupt):
            await files.read(ID, 0, 9)
        with pytest.raises(StoreCorrupt):
            await files.last(ID)
    with pytest.raises(BadInput):
        await files.read("../x", 0, 9)
    path(tmp_path).unlink()
    path(tmp_path).symlink_to(tmp_path / "elsewhere")
    files.close()
    with pytest.raises(StoreFailed):
        files.append(event(1, Given("r")), "m")
