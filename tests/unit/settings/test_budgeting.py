import pytest

from inspan.errors import BadInput
from inspan.model.agent import Usage
from inspan.model.budget import Budget, OverBudget
from inspan.settings.budgeting import budget

pytestmark = pytest.mark.requirement("C4")

ASK = OverBudget.ASK


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["$2"], Budget(cost=2)),
        (["$0.50", "200k"], Budget(cost=0.5, tokens=200_000)),
        (["1.5M"], Budget(tokens=1_500_000)),
        ([1000], Budget(tokens=1000)),
        (["none"], None),
    ],
)
def test_a_budget_as_people_write_it(words: list[object], wanted: Budget | None) -> None:
    assert budget(words, ASK) == wanted


@pytest.mark.parametrize(
    "words", [[], ["$"], ["2$"], ["-1"], ["$1", "$2"], ["1", "2"], ["0"], ["a"]]
)
def test_what_is_no_budget_is_refused(words: list[str]) -> None:
    with pytest.raises(BadInput):
        budget(words, ASK)


def test_a_budget_is_told_as_it_is_written_and_knows_when_it_is_reached() -> None:
    both = Budget(cost=2, tokens=100)
    assert str(both) == "$2.00, 100 tokens"
    assert str(Budget(cost=0.001)) == "$0.0010"
    assert both.reached(Usage(read=50, written=49, cost=1.99)) == ""
    assert "tokens" in both.reached(Usage(read=50, written=50))
    assert "$2.00 of $2.00" in both.reached(Usage(cost=2.0))
