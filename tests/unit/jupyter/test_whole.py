"""Whether what is being typed is whole: a client asks with every new line."""

import pytest

from inspan.jupyter.whole import is_complete

pytestmark = pytest.mark.requirement("D12")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("1 + 1", "complete"),
        ("await asleep()", "complete"),
        ("name??", "complete"),
        ("def f():\n    return 1\n\n", "complete"),
        ("def f():\n    return 1", "incomplete"),
        ("(1,", "incomplete"),
        ("1 +", "invalid"),
        ("'\\N{nothing}'", "invalid"),
        ("a\0b", "invalid"),
        # More than the compiler's own stack can hold, which says nothing about the code.
        ("-" * 100_000 + "1", "unknown"),
        ("a" + ".b" * 100_000, "unknown"),
    ],
)
def test_every_text_has_an_answer(code: str, status: str) -> None:
    assert is_complete(code)["status"] == status


def test_a_block_that_opens_asks_for_an_indent() -> None:
    assert is_complete("if x:")["indent"] == "    "
    assert is_complete("if x:\n    if y:")["indent"] == "        "
