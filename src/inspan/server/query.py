"""Query strings, read strictly: an unknown name or a value out of bounds is refused by name.

What a route takes is declared as parameters, from which it is read and by which it is described.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from starlette.datastructures import QueryParams

from inspan.errors import BadInput

T = TypeVar("T")
D = TypeVar("D", int, None)
E = TypeVar("E", bound=StrEnum)

#: Offsets and sequence numbers are uint64 on the wire and int64 in the store.
NUMBER_MOST = (1 << 63) - 1
TEXT_MOST = 1000


@dataclass(frozen=True, slots=True)
class Param(ABC, Generic[T]):
    """One parameter: how it is read, and what it is for."""

    name: str
    about: str

    def read(self, params: QueryParams) -> T:
        """What was given, or what stands for nothing. Raises BadInput."""
        value = params.get(self.name)
        if value is not None and len(value) > TEXT_MOST:
            raise BadInput(f"{self.name}: longer than {TEXT_MOST} characters")
        return self.made(value)

    @abstractmethod
    def made(self, value: str | None) -> T:
        """What ``value`` says. Raises BadInput."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """It as JSON Schema."""


@dataclass(frozen=True, slots=True)
class Text(Param[str | None]):
    """Text, ``None`` where it is not there."""

    def made(self, value: str | None) -> str | None:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": TEXT_MOST}


@dataclass(frozen=True, slots=True)
class Words(Param[tuple[E, ...]], Generic[E]):
    """All of several words, whether repeated or parted by commas."""

    kind: type[E]
    #: What one of them is, for whoever writes another.
    what: str

    def read(self, params: QueryParams) -> tuple[E, ...]:
        given = params.getlist(self.name)
        return self.made(",".join(given) if given else None)

    def made(self, value: str | None) -> tuple[E, ...]:
        return () if value is None else tuple(map(self._word, value.split(",")))

    def _word(self, word: str) -> E:
        try:
            return self.kind(word)
        except ValueError:
            raise BadInput(f"{self.name}: {word[:40]!r} is no {self.what}") from None

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string", "enum": [*self.kind]}}


@dataclass(frozen=True, slots=True)
class Word(Param[E], Generic[E]):
    """One of several words."""

    default: E

    def made(self, value: str | None) -> E:
        kind = type(self.default)
        try:
            return self.default if value is None else kind(value)
        except ValueError as error:
            raise BadInput(f"{self.name}: must be one of {', '.join(kind)}") from error

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": [*type(self.default)], "default": self.default}


@dataclass(frozen=True, slots=True)
class Number(Param[int | D], Generic[D]):
    """A whole number within bounds."""

    default: int | D
    least: int = 0
    most: int = NUMBER_MOST

    def made(self, value: str | None) -> int | D:
        if value is None:
            return self.default
        if not (value.isascii() and value.isdecimal()) or not self.least <= int(value) <= self.most:
            raise BadInput(f"{self.name}: must be a whole number from {self.least} to {self.most}")
        return int(value)

    def schema(self) -> dict[str, Any]:
        told = {"type": "integer", "minimum": self.least, "maximum": self.most}
        return told if self.default is None else {**told, "default": self.default}


@dataclass(frozen=True, slots=True)
class Seconds(Param[float]):
    """A span of time."""

    default: float
    most: float

    def made(self, value: str | None) -> float:
        try:
            seconds = self.default if value is None else float(value)
        except ValueError:
            seconds = math.nan
        if not 0 <= seconds <= self.most:
            raise BadInput(f"{self.name}: must be seconds from 0 to {self.most:g}")
        return seconds

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": 0, "maximum": self.most, "default": self.default}


@dataclass(frozen=True, slots=True)
class Moment(Param[float | None]):
    """Seconds since the epoch; ``None`` where it is not there."""

    def made(self, value: str | None) -> float | None:
        if value is None:
            return None
        try:
            at = float(value)
        except ValueError:
            at = math.nan
        if not 0 <= at <= NUMBER_MOST:
            raise BadInput(f"{self.name}: must be seconds since the epoch")
        return at

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": 0}


@dataclass(frozen=True, slots=True)
class Flag(Param[bool]):
    """``true`` or ``false``; false where it is not there."""

    def made(self, value: str | None) -> bool:
        if value not in (None, "true", "false"):
            raise BadInput(f"{self.name}: must be true or false")
        return value == "true"

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean", "default": False}


class Query:
    """The parameters of one request; every one that is there must be among ``known``."""

    def __init__(self, params: QueryParams, known: tuple[Param[Any], ...]) -> None:
        if params:
            names = {param.name for param in known}
            for name in params:
                if name not in names:
                    raise BadInput(f"{name[:TEXT_MOST]}: there is no such parameter")
        self._params = params

    def __getitem__(self, param: Param[T]) -> T:
        """What was given for ``param``. Raises BadInput."""
        return param.read(self._params)
