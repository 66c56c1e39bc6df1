from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.errors import BadInput
from inspan.model import wire
from inspan.model.session import Chunk, Ended, Gap, Output, Resized
from inspan.model.task import Exit

OFFSETS = st.integers(0, (1 << 64) - 1)
SIZES = st.integers(1, (1 << 16) - 1)
CHUNKS = st.one_of(
    st.builds(
        Output, OFFSETS, st.binary(min_size=1, max_size=100), st.sampled_from(["out", "err"])
    ),
    st.builds(Gap, OFFSETS, OFFSETS),
    st.builds(Resized, OFFSETS, SIZES, SIZES),
    st.builds(Ended, OFFSETS, st.none()),
    st.builds(Ended, OFFSETS, st.builds(Exit, st.integers(0, 255))),
    st.builds(Ended, OFFSETS, st.builds(Exit, st.none(), st.integers(1, 64))),
)


@given(st.lists(CHUNKS, max_size=8))
def test_chunks_come_back_from_a_body_of_frames(chunks: list[Chunk]) -> None:
    assert wire.unpack(wire.pack(chunks)) == tuple(chunks)


def test_much_output_becomes_several_frames() -> None:
    data = bytes(range(256)) * 10_000
    chunks = wire.unpack(wire.pack([Output(7, data, "err")]))
    assert len(chunks) == 3
    at = 7
    for chunk in chunks:
        assert isinstance(chunk, Output)
        assert (chunk.offset, chunk.stream) == (at, "err")
        at += len(chunk.data)
    assert b"".join(chunk.data for chunk in chunks if isinstance(chunk, Output)) == data


@given(st.binary(max_size=60))
def test_no_frame_breaks_the_reader(raw: bytes) -> None:
    for read in (wire.opened, wire.unpack, wire.sized, lambda raw: wire.decode(*wire.opened(raw))):
        with suppress(BadInput):
            read(raw)


@pytest.mark.parametrize(("cols", "rows"), [(0, 1), (1, 0), (-1, 1), (1 << 16, 1), (1, 1 << 16)])
def test_a_terminal_has_a_size_that_can_be(cols: int, rows: int) -> None:
    with pytest.raises(BadInput):
        wire.size(cols, rows)


def test_a_size_comes_back() -> None:
    assert wire.sized(wire.size(132, 50)) == (132, 50)
    with pytest.raises(BadInput):
        wire.sized(b"\0" * 8)


def test_an_offset_comes_back() -> None:
    assert wire.longed(wire.long(1 << 40)) == 1 << 40
    with pytest.raises(BadInput, match="eight bytes"):
        wire.longed(b"\0" * 7)


def test_a_frame_of_no_known_opcode_is_refused() -> None:
    with pytest.raises(BadInput, match="byte 63"):
        wire.decode(ord("?"), 0, b"")


@pytest.mark.parametrize(
    ("opcode", "payload"),
    [(wire.GAP, b"1"), (wire.RESIZED, b"1"), (wire.ENDED, b"{"), (wire.ENDED, b"{}")],
)
def test_a_payload_that_does_not_fit_is_refused(opcode: int, payload: bytes) -> None:
    with pytest.raises(BadInput, match="does not fit"):
        wire.decode(opcode, 0, payload)
