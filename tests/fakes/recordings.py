"""Recordings made by hand: what was printed, and when."""

from collections.abc import Iterable
from pathlib import Path

from inspan.keeper.recording import INDEX, INPUT, RAW, Record
from inspan.model.task import Exit

#: What happened at a time: output, a size, what was typed (in a tuple), or the end.
Step = tuple[float, bytes | tuple[int, int] | tuple[bytes] | Exit]


def record(folder: Path, steps: Iterable[Step]) -> Path:
    """A recording in ``folder`` of these steps."""
    raw, typed, records = b"", b"", []
    for at, what in steps:
        match what:
            case bytes():
                records.append(Record(at, len(raw), "o"))
                raw += what
            case Exit():
                records.append(Record(at, len(raw), "x", what.code or 0, what.signal or 0))
            case (bytes() as keys,):
                records.append(Record(at, len(raw), "i", len(keys)))
                typed += keys
            case (int() as cols, int() as rows):
                records.append(Record(at, len(raw), "r", cols, rows))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RAW).write_bytes(raw)
    (folder / INPUT).write_bytes(typed)
    (folder / INDEX).write_bytes(b"".join(item.pack() for item in records))
    return folder
