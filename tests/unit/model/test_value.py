"""Values: equal and hashed by their fields, without room for more of them."""

from __future__ import annotations

import pickle

import pytest

from inspan.engine.ports import Change
from inspan.model.event import Exited
from inspan.model.task import Exit


def test_values_are_equal_and_hashed_by_their_fields() -> None:
    one, same = Exited(1, Exit(0), 5), Exited(1, Exit(0), 5)
    assert one == same
    assert len({one, same, Exited(2, Exit(0), 5)}) == 2
    assert pickle.loads(pickle.dumps(one)) == one


def test_a_value_has_no_room_for_what_it_does_not_name() -> None:
    with pytest.raises(AttributeError):
        setattr(Exited(1, Exit(0), 5), "more", 1)  # noqa: B010 - mypy would refuse the plain way


def test_a_named_value_takes_names_only() -> None:
    assert Change().events == ()
    with pytest.raises(TypeError):
        Change(())  # type: ignore[misc]
