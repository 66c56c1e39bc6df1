"""Steps that fail alike, one after the other."""

import pytest

from inspan.swarm.breaker import Breaker

pytestmark = pytest.mark.requirement("A6")


def why(breaker: Breaker, *failures: str) -> list[str | None]:
    """What it says after each."""
    said = []
    for failure in failures:
        breaker.failed(failure)
        said.append(breaker.why)
    return said


def test_the_same_failure_thrice_in_a_row_opens_it() -> None:
    breaker = Breaker()
    failures = [f"claude ({task}) is not logged in" for task in ("01ja7", "01jb8", "01jc9")]
    assert why(breaker, *failures) == [None, None, failures[-1]]
    breaker.close()
    assert why(breaker, *failures) == [None, None, failures[-1]]


@pytest.mark.parametrize("between", ["done", "another failure"])
def test_what_comes_between_begins_the_count_anew(between: str) -> None:
    breaker = Breaker()
    breaker.failed("it ended with 1")
    breaker.failed("it ended with 1")
    if between == "done":
        breaker.done()
    else:
        breaker.failed("no space is left")
    breaker.failed("it ended with 1")
    assert breaker.why is None
