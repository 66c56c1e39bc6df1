import sys

import pytest

from inspan.kernel.worker.namespace import INTERNAL, MOST_OUT, Namespace, exit_code


def namespace() -> Namespace:
    return Namespace({"display": print})


def cell(names: Namespace, code: str, value: object = None) -> None:
    before = sys.modules["__main__"]
    names.begin(code, silent=False)
    sys.modules["__main__"] = before
    names.end(value, None)


@pytest.mark.requirement("D5")
def test_every_name_of_the_history_is_there_from_the_start() -> None:
    names = namespace()
    assert set(names.names) >= INTERNAL
    assert (names.size, names.count) == (0, 0)


def test_out_is_bounded_and_its_last_are_kept() -> None:
    names = namespace()
    for number in range(MOST_OUT + 5):
        cell(names, "x", [number])
    out = names.names["Out"]
    assert len(out) == MOST_OUT
    assert out[MOST_OUT + 5] == [MOST_OUT + 4]
    assert 1 not in out


def test_what_is_deleted_from_out_is_freed_and_what_is_changed_is_not() -> None:
    names = namespace()
    big, other = [1], [2]
    cell(names, "big", big)
    cell(names, "other", other)
    del names.names["Out"][1]
    names.names["Out"][2] = "false"
    cell(names, "nothing")
    assert names.names["Out"] == {2: other}
    assert names.names["__"] == ""
    assert names.names["_"] is other


def test_a_value_with_an_equality_of_its_own_is_only_held() -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise AssertionError

        __hash__ = None  # type: ignore[assignment]  # as arrays are

    names = namespace()
    odd = Odd()
    cell(names, "odd", odd)
    cell(names, "odd", odd)
    names.names["Out"].pop(1)
    names.names["Out"][9] = odd
    names.reinstall()
    assert [*names.names["Out"]] == [2]


def test_names_are_resolved_without_asking_the_users_objects() -> None:
    class Nosy:
        def __getattr__(self, name: str) -> object:
            raise AssertionError(name)

    names = namespace()
    names.names.update(system=sys, nosy=Nosy(), func=sys.exit)
    assert [names.resolve(name) for name in ("system", "nosy", "func", "absent")] == [
        *("sys", None, "sys.exit", None)
    ]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SystemExit(), 0),
        (SystemExit(3), 3),
        (SystemExit("words"), 1),
        (ValueError(), 1),
        (KeyboardInterrupt(), 1),
    ],
)
def test_the_exit_code_is_a_program_s(error: BaseException, code: int) -> None:
    assert exit_code(error) == code
