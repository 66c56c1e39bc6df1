from pathlib import Path

from tools.sizes import FILE_HARD, FUNCTION_HARD, FUNCTION_SOFT, long_things

WHERE = Path("room/file.py")


def function(lines: int) -> str:
    return "async def walk():\n" + "    step()\n" * (lines - 1)


def test_what_is_short_is_not_named() -> None:
    assert list(long_things(WHERE, function(FUNCTION_SOFT))) == []


def test_a_function_that_grows_is_named_and_forgiven() -> None:
    (found,) = long_things(WHERE, function(FUNCTION_HARD))
    assert not found.too_long
    assert str(found) == f"room/file.py:1: walk() has {FUNCTION_HARD} lines (60 at most)"


def test_a_function_or_file_past_its_limit_is_too_long() -> None:
    (of_function,) = long_things(WHERE, function(FUNCTION_HARD + 1))
    assert of_function.too_long
    (of_file,) = long_things(WHERE, "x = 1\n" * (FILE_HARD + 1))
    assert of_file.too_long
