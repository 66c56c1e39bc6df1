import textwrap

from tools.error_branches import Branch, branches

SOURCE = textwrap.dedent("""\
    def read(path):
        if not path:
            raise ValueError(
                "no path"
            )
        try:
            return open(path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log(error)
            raise
        except KeyError:  # pragma: no cover - for one that cannot be had
            raise
    """)


def found(executed: set[int]) -> list[tuple[int, str, bool]]:
    return [(one.line, one.what, one.executed(executed)) for one in branches(SOURCE)]


def test_clauses_and_raises_are_found_in_order_but_for_those_that_are_excluded() -> None:
    assert found(set()) == [
        (3, "raise ValueError", False),
        (8, "except FileNotFoundError", False),
        (10, "except (OSError, ValueError)", False),
        (12, "raise", False),
        (14, "raise", False),
    ]


def test_a_clause_is_executed_with_its_body_and_not_with_its_head() -> None:
    assert [done for *_, done in found({3, 8, 10})] == [True, False, False, False, False]
    assert [done for *_, done in found({4, 9, 11, 12})] == [True, True, True, True, False]


def test_one_line_is_enough() -> None:
    (only,) = branches("try:\n    walk()\nexcept OSError: stop()\n")
    assert only == Branch(3, "except OSError", range(3, 4))
