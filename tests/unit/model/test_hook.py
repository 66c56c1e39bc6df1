import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.model.activity import Doing
from inspan.model.hook import NUMBER, Hook, read

pytestmark = pytest.mark.requirement("B4")

KINDS = ("permission", "question", "prompt")


@given(st.from_regex(r"[A-Za-z0-9_]{1,40}", fullmatch=True), st.sampled_from(Doing))
def test_what_is_spelled_is_read(event: str, doing: Doing) -> None:
    for kind in KINDS if doing is Doing.WAITING else ("permission",):
        hook = Hook(event, doing, kind)
        number, _, words = str(hook).partition(";")
        assert (number, read(words)) == (NUMBER, hook)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "hook",
        "hook;Stop",
        "hook;Stop;asleep",
        "hook;St op;idle",
        "hook;Stop;idle;permission;x",
        "hook;Stop;waiting;else",
        "hook;" + "x" * 41 + ";idle",
        "waiting;permission;May it?",
        "working",
    ],
)
def test_nothing_else_is_a_hook(words: str) -> None:
    assert read(words) is None
