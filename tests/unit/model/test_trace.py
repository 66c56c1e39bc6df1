"""Where a task is in a trace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.model.trace import Place, handed, place, root, span
from tests.unit.model.samples import TASK

HEADER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_header_is_read_as_the_standard_has_it() -> None:
    assert place(HEADER) == Place("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
    assert str(place(HEADER)) == HEADER
    unsampled = place(HEADER[:-2] + "00")
    assert unsampled is not None
    assert not unsampled.sampled
    # A later version may have more at its end.
    assert place("cc" + HEADER[2:] + "-what-the-future-has") == place(HEADER)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        HEADER.upper(),
        HEADER + "-more",
        HEADER + "\n",
        "ff" + HEADER[2:],
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01",
    ],
)
def test_what_is_no_header_leads_nowhere(header: str) -> None:
    assert place(header) is None
    assert root(TASK, {"TRACEPARENT": header}) == root(TASK, {})


def test_a_task_is_in_the_trace_of_whoever_submitted_it() -> None:
    whole = root(TASK, {"TRACEPARENT": HEADER})
    assert whole.trace == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert whole.span == root(TASK, {}).span != "00f067aa0ba902b7"


def test_ids_stay_the_same() -> None:
    # A daemon of another version goes on with the traces of this one.
    assert root(TASK, {}) == Place("634305a1b3b1c0982f8666d55041146d", "4eba615e8ca56c42")
    assert handed(f"{TASK}-2", {}) == {
        "TRACEPARENT": "00-634305a1b3b1c0982f8666d55041146d-b3345311fbcddd71-01"
    }


@pytest.mark.parametrize("more", ["", "-c1", "-t12"])
def test_all_that_runs_for_an_attempt_gets_its_span(more: str) -> None:
    given = handed(f"{TASK}-3{more}", {})
    assert place(given["TRACEPARENT"]) == Place(root(TASK, {}).trace, span(TASK, "attempt", "3"))
    assert handed(f"py-{TASK}-3", {}) == {}


@given(st.text(), st.text())
def test_every_id_is_one(one: str, other: str) -> None:
    whole = root(one, {"TRACEPARENT": other})
    assert place(str(whole)) == whole
    assert (whole.span == root(other, {}).span) is (one == other)
