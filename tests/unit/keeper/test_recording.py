"""The index format: what is packed comes back, and a torn end is left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.keeper.recording import RECORD, Record, unpack

pytestmark = pytest.mark.requirement("B6")

RECORDS = st.builds(
    Record,
    at=st.floats(0, 1e10),
    offset=st.integers(0, 2**64 - 1),
    kind=st.sampled_from("oerimx"),
    a=st.integers(0, 2**32 - 1),
    b=st.integers(0, 2**32 - 1),
)


@given(records=st.lists(RECORDS, max_size=6), torn=st.integers(1, RECORD.size))
def test_records_come_back_and_a_torn_one_is_left_out(records: list[Record], torn: int) -> None:
    raw = b"".join(record.pack() for record in records)
    assert unpack(raw) == records
    if records:
        assert unpack(raw[:-torn]) == records[:-1]
