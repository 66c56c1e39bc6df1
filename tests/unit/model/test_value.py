"""Values: equal and hashed by their fields, and dataclasses to whoever asks."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import sys
from typing import Any, ClassVar

import pytest

from inspan.engine.ports import Change
from inspan.model.event import Exited
from inspan.model.task import Exit, Patience, TaskSpec
from inspan.model.value import MISSING, field, fields_of, replaced, value


@value
class Place:
    """A value that was never made before its test."""

    kind: ClassVar[str] = "place"
    missing: int
    set: int = 0
    tags: dict[str, int] = field(default_factory=dict, repr=False)

    def twice(self) -> int:
        return 2 * self.missing


@value
class Nothing:
    """A value without fields."""


@value(frozen=True, kw_only=True, slots=False)
class Whole:
    """One with a dictionary, that is frozen as it runs."""

    size: int = 1


def test_values_are_equal_and_hashed_by_their_fields() -> None:
    one, same = Exited(1, Exit(0), 5), Exited(1, Exit(0), 5)
    assert one == same
    assert len({one, same, Exited(2, Exit(0), 5)}) == 2
    other: object = Whole()
    assert other != Exit(1)
    assert Nothing() == Nothing()
    assert len({Nothing(), Nothing()}) == 1
    with pytest.raises(TypeError):
        hash(Place(1))


def test_a_value_has_no_room_for_what_it_does_not_name() -> None:
    with pytest.raises(AttributeError):
        setattr(Exited(1, Exit(0), 5), "more", 1)  # noqa: B010 - mypy would refuse the plain way


def test_a_named_value_takes_names_only() -> None:
    assert Change().events == ()
    assert Change.__match_args__ == ()
    with pytest.raises(TypeError):
        Change(())  # type: ignore[misc]


def test_what_has_no_default_must_be_given() -> None:
    for _ in range(2):  # the first value of a class is made otherwise than the second
        with pytest.raises(TypeError, match="missing"):
            Place()  # type: ignore[call-arg]
    assert Place(1, set=2).twice() == 2
    assert Place.__init__.__qualname__ == "Place.__init__"


def test_a_default_may_be_made_anew_for_each_value() -> None:
    one, other = Place(1), Place(1)
    one.tags["a"] = 1
    assert other.tags == {}
    assert Place(1, tags=one.tags).tags is one.tags


def test_repr_shows_what_it_may() -> None:
    assert repr(Place(1, 2, {"a": 1})) == "Place(missing=1, set=2)"
    assert "hidden" not in repr(TaskSpec(cwd="/", env={"A": "hidden"}))


def test_a_value_matches_by_place() -> None:
    match Place(1, 2):
        case Place(1, found):
            assert found == 2
        case _:
            pytest.fail("it is one")


@pytest.mark.parametrize("frozen", [Patience(deadline=1.0), Whole(size=2)])
def test_what_is_frozen_refuses_as_it_runs_and_can_be_copied(frozen: Patience | Whole) -> None:
    name = next(iter(fields_of(type(frozen)) or ())).name
    with pytest.raises(dataclasses.FrozenInstanceError, match=name):
        setattr(frozen, name, 5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        delattr(frozen, name)
    assert copy.deepcopy(frozen) == frozen
    assert pickle.loads(pickle.dumps(frozen)) == frozen


def test_values_can_be_pickled_and_copied() -> None:
    one = Exited(1, Exit(0), 5)
    assert pickle.loads(pickle.dumps(one)) == copy.copy(one) == one


def test_to_dataclasses_a_value_is_one() -> None:
    assert dataclasses.is_dataclass(Exit)
    assert [item.name for item in dataclasses.fields(Place)] == ["missing", "set", "tags"]
    changed = dataclasses.replace(Place(1), set=3)
    assert dataclasses.asdict(changed) == {"missing": 1, "set": 3, "tags": {}}
    assert [item.type for item in dataclasses.fields(Exit)] == ["int | None", "int | None"]


def test_a_value_is_replaced_as_dataclasses_would() -> None:
    kept = Patience(deadline=None, grace=1.0)
    assert replaced(kept, idle=2.0) == dataclasses.replace(kept, idle=2.0)
    assert replaced(Place(1), set=3) == dataclasses.replace(Place(1), set=3)
    with pytest.raises(TypeError, match="unheard"):
        replaced(kept, unheard=1)


@pytest.mark.skipif(sys.version_info < (3, 13), reason="copy.replace is of Python 3.13")
def test_copy_replaces_its_fields() -> None:
    assert copy.replace(Patience(), idle=2.0).idle == 2.0  # type: ignore[attr-defined,unused-ignore]


def test_its_signature_can_be_asked_for_before_a_value_is_made() -> None:
    @value(kw_only=True)
    class Fresh:
        size: int
        name: str = ""

    assert str(inspect.signature(Fresh)) == "(*, size: 'int', name: 'str' = '') -> None"


def test_the_fields_of_a_class_of_values() -> None:
    fields = fields_of(Place)
    assert fields is not None
    assert [one.absent() for one in fields] == [MISSING, 0, {}]
    assert fields_of(dict) is None


@pytest.mark.parametrize("made", range(8))
def test_a_value_is_the_same_however_many_were_made_before_it(made: int) -> None:
    """The first few are made without an ``__init__`` of their class."""

    @value
    class Pair:
        one: int
        two: tuple[int, ...] = ()
        three: dict[str, int] = field(default_factory=dict)

    @value(kw_only=True, frozen=True)
    class Named:
        one: int
        two: int = 2

    for number in range(made):
        Pair(number)
        Named(one=number)
    pair = Pair(1, three={"a": 1})
    assert (pair.one, pair.two, pair.three) == (1, (), {"a": 1})
    assert Pair(1).three is not Pair(1).three
    assert Pair(one=1, two=(3,)) == Pair(1, (3,))
    assert repr(Named(one=1)).endswith("Named(one=1, two=2)")


@pytest.mark.parametrize("made", [0, 8])
@pytest.mark.parametrize(
    ("given", "named", "why"),
    [
        ((), {}, "missing"),
        ((1, 2, {}, 4), {}, "positional"),
        ((1,), {"one": 1}, "multiple values"),
        ((1,), {"four": 1}, "unexpected"),
    ],
)
def test_what_makes_no_value_is_refused_from_the_first(
    made: int, given: tuple[Any, ...], named: dict[str, Any], why: str
) -> None:
    @value
    class Pair:
        one: int
        two: int = 2
        three: dict[str, int] = field(default_factory=dict)

    @value(kw_only=True)
    class Named:
        one: int

    for number in range(made):
        Pair(number)
        Named(one=number)
    kind: Any = Pair
    with pytest.raises(TypeError, match=why):
        kind(*given, **named)
    kind = Named
    with pytest.raises(TypeError, match="positional"):
        kind(1)
