"""What a notebook can ask about cells that ran, and about one that is being typed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.jupyter import history
from inspan.jupyter.history import History
from inspan.jupyter.whole import is_complete
from inspan.jupyter.wire import Message, WireError
from tests.unit.jupyter.test_wire import FEW, OBJECTS

pytestmark = pytest.mark.requirement("D12")


def asked(history: History, kind: str, **content: Any) -> list[Any]:
    message = Message((), {"msg_id": "m", "msg_type": "history_request"}, content)
    message.content["hist_access_type"] = kind
    found: list[Any] = history.asked(message)["history"]
    return found


@pytest.fixture
def three() -> History:
    made = History()
    for number, code in enumerate(("a = 1", "b", "a = 1"), 1):
        made.add(number, code, "1" if code == "b" else None)
    return made


def test_the_end_a_range_and_what_matches(three: History) -> None:
    assert asked(three, "tail", n=2) == [[1, 2, "b"], [1, 3, "a = 1"]]
    assert asked(three, "tail", n=1, output=True) == [[1, 3, ["a = 1", None]]]
    assert asked(three, "range", start=2, stop=3, output=True) == [[1, 2, ["b", "1"]]]
    assert asked(three, "range", session=-1) == []
    assert asked(three, "search", pattern="a*") == [[1, 1, "a = 1"], [1, 3, "a = 1"]]
    assert asked(three, "search", pattern="a*", unique=True) == [[1, 3, "a = 1"]]
    assert asked(three, "search", pattern="a*", n=1) == [[1, 3, "a = 1"]]
    assert asked(three, "tail", n=-1) == asked(three, "odd") == []


def test_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST", 3)
    monkeypatch.setattr(history, "MOST_TEXT", 10)
    made = History()
    for number in range(1, 6):
        made.add(number, "x", None)
    assert [line[1] for line in asked(made, "range")] == [3, 4, 5]
    made.add(6, "y" * 9, "z")
    made.add(7, "large" * 10, None)
    assert [line[1] for line in asked(made, "range")] == [7]


@FEW
@given(content=OBJECTS, kind=st.sampled_from(["tail", "range", "search"]))
def test_any_question_is_answered_or_refused(content: dict[str, Any], kind: str) -> None:
    made = History()
    made.add(1, "a", None)
    fields = ("n", "session", "start", "stop", "pattern", "unique", "output")
    known = dict(zip(fields, content.values(), strict=False))
    try:
        found = asked(made, kind, **known)
    except WireError:
        return
    assert found in ([], [[1, 1, "a"]], [[1, 1, ["a", None]]])


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("1", "complete"),
        ("await f()", "complete"),
        ("async for x in y:", "incomplete"),
        ("for x in y:\n    z", "incomplete"),
        ("for x in y:\n    z\n", "complete"),
        ("(1,", "incomplete"),
        ("'''a", "incomplete"),
        ("1 +", "invalid"),
        ("name?", "complete"),
        ("a.b??", "complete"),
        ("a\0", "invalid"),
        ("", "complete"),
    ],
)
def test_a_cell_is_whole_where_it_could_run(code: str, status: str) -> None:
    assert is_complete(code)["status"] == status


@FEW
@given(code=st.text(alphabet="ab(['\":\n #\\=\t?{0.é\ud800") | st.text())
def test_any_code_has_a_status(code: str) -> None:
    found = is_complete(code)
    assert found["status"] in {"complete", "incomplete", "invalid", "unknown"}
    assert ("indent" in found) == (found["status"] == "incomplete")
