from math import inf

import pytest

from inspan.terminal.keys import Keys

pytestmark = pytest.mark.requirement("B4")


@pytest.mark.parametrize(
    ("typed", "answered"),
    [
        ([b"\r"], 1.0),
        ([b"y"], 1.0),
        ([b"\x1b"], 1.0),
        ([b"\x03"], 1.0),
        ([b"blue\r"], 1.0),
        ([b"\x1b[A"], -inf),
        ([b"\x1bOB", b"\t"], -inf),
        ([b"\x1b[12;3R"], -inf),
        ([b"b", b"l", b"ue"], -inf),
        ([b"b", b"l", b"\x1b[A", b"\r"], 4.0),
        ([b"blue"], -inf),
        ([b"\r", b"n"], 2.0),
        ([b"\r", b"no", b"t"], 1.0),
    ],
)
def test_what_may_be_an_answer(typed: list[bytes], answered: float) -> None:
    keys = Keys()
    for at, data in enumerate(typed, 1):
        keys.typed(data, float(at))
    assert keys.answered == answered


@pytest.mark.parametrize(
    ("typed", "stopped"),
    [([b"\x1b"], 1.0), ([b"\x03"], 1.0), ([b"y"], -inf), ([b"\r"], -inf), ([b"\x1b[A"], -inf)],
)
def test_what_may_stop(typed: list[bytes], stopped: float) -> None:
    keys = Keys()
    for at, data in enumerate(typed, 1):
        keys.typed(data, float(at))
    assert keys.stopped == stopped
