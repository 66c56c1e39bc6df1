from inspan.model.session import Chunk, Ended, Gap, Output, Receipt, Resized
from inspan.model.task import Exit


def test_the_chunks_of_a_session_are_told_apart_by_their_class() -> None:
    chunks: list[Chunk] = [
        Resized(0, 80, 24),
        Output(0, b"out"),
        Output(3, b"err", "err"),
        Gap(6, 10),
        Ended(10, Exit(code=0)),
    ]
    told = []
    for chunk in chunks:
        match chunk:
            case Output(offset, data, stream):
                told.append(f"{offset}+{len(data)} {stream}")
            case Gap(start, end):
                told.append(f"{start}-{end}")
            case Resized(_, cols, rows):
                told.append(f"{cols}x{rows}")
            case Ended(size, how):
                told.append(f"{size} {how.status if how else 'unknown'}")
    assert told == ["80x24", "0+3 out", "3+3 err", "6-10", "10 0"]


def test_a_receipt_is_a_word() -> None:
    assert [str(step) for step in Receipt] == ["queued", "written"]
