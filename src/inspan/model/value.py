"""How the values are made that each task needs by the dozen; it knows none of them.

A dataclass that is frozen as it runs sets every field through ``object.__setattr__``, which makes
it three to eight times as dear to construct. These are frozen to type checkers, which read all of
this code; an assignment that got past them would not be refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(kind: type[T]) -> type[T]:
    """A dataclass with slots whose fields nobody assigns; equal and hashed by them."""
    return dataclass(slots=True, unsafe_hash=True)(kind)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def named_value(kind: type[T]) -> type[T]:
    """The same, with every field given by its name."""
    return dataclass(slots=True, unsafe_hash=True, kw_only=True)(kind)
