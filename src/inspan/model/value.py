"""How values are made: classes of named fields, equal and hashed by them. It knows none of them.

To whoever asks ``dataclasses`` they are dataclasses. They are not made by it, for a command that
takes 80 ms would spend 30 of them there: on its import, and on writing the methods of a hundred
classes of most of which it makes no value. Here the one method that must be quick, ``__init__``,
is written when a class has had a few values: writing it takes as long as thirty of them without.

To type checkers, which read all of this code, each value is frozen. An assignment that got past
them is refused as it runs only where ``frozen`` is said, which makes a value three to eight times
as dear to construct.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, Final, TypeVar, dataclass_transform, overload

T = TypeVar("T")

#: The default of a field that has none.
MISSING: Final = object()
#: So many values of a class are made before its ``__init__`` is written; a command makes fewer.
_BY_HAND: Final = 4


class Field:
    """One field of a class of values."""

    __slots__ = ("default", "factory", "name", "shown")

    def __init__(self, default: Any, factory: Callable[[], Any] | None, *, shown: bool) -> None:
        self.name = ""
        self.default = default
        self.factory = factory
        self.shown = shown

    def absent(self) -> Any:
        """What it is where nobody gave it; ``MISSING`` where somebody must."""
        return self.default if self.factory is None else self.factory()


def field(*, default_factory: Callable[[], Any] | None = None, repr: bool = True) -> Any:  # noqa: A002 - the names of `dataclasses`, which type checkers read
    """A field whose default is made anew for each value, or which ``repr`` leaves out."""
    return Field(MISSING, default_factory, shown=repr)


@overload
def value(kind: type[T], /) -> type[T]: ...
@overload
def value(
    *, frozen: bool = ..., kw_only: bool = ..., slots: bool = ...
) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(
    kind: Any = None, /, *, frozen: bool = False, kw_only: bool = False, slots: bool = True
) -> Any:
    """A class of values, whose fields are all that it annotates but a ``ClassVar``."""
    if kind is None:
        return lambda kind: _made(kind, frozen=frozen, kw_only=kw_only, slots=slots)
    return _made(kind, frozen=frozen, kw_only=kw_only, slots=slots)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def named_value(kind: type[T]) -> type[T]:
    """A class of values with every field given by its name."""
    made: type[T] = _made(kind, frozen=False, kw_only=True, slots=True)
    return made


def fields_of(kind: type) -> tuple[Field, ...] | None:
    """The fields of a class of values in their order; ``None`` for any other class."""
    recipe = kind.__dict__.get("__recipe__")
    return recipe.fields if isinstance(recipe, _Recipe) else None


def replaced(value: T, /, **changes: Any) -> T:
    """``dataclasses.replace`` for a value of ours, without what its import costs."""
    kind: Any = type(value)
    kept = {field.name: getattr(value, field.name) for field in kind.__recipe__.fields}
    new: T = kind(**kept | changes)
    return new


def _made(kind: Any, *, frozen: bool, kw_only: bool, slots: bool) -> Any:
    fields = tuple(_fields(kind))
    names = tuple(field.name for field in fields)
    if slots:
        kind = _slotted(kind, names)
    recipe = _Recipe(kind, fields, frozen=frozen, kw_only=kw_only)
    equal, hashed = _by(names)
    given: dict[str, Any] = {
        "__recipe__": recipe,
        "__match_args__": () if kw_only else names,
        "__init__": recipe.first_init(),
        "__repr__": _repr,
        "__eq__": equal,
        "__hash__": hashed,
        "__replace__": replaced,
        **{name: _Asked(name) for name in _FOR_DATACLASSES},
    }
    if frozen:
        given |= {"__setattr__": _refuse, "__delattr__": _refuse}
        if slots:
            given["__setstate__"] = _restore
    for name, item in given.items():
        setattr(kind, name, item)
    return kind


def _fields(kind: type) -> Iterator[Field]:
    for name, annotation in kind.__annotations__.items():
        if not annotation.startswith("ClassVar"):
            default = kind.__dict__.get(name, MISSING)
            found = default if isinstance(default, Field) else Field(default, None, shown=True)
            found.name = name
            yield found


def _slotted(kind: type, names: tuple[str, ...]) -> Any:
    """The class anew: room can only be made for its fields where it is."""
    without = {*names, "__dict__", "__weakref__"}
    body = {name: item for name, item in kind.__dict__.items() if name not in without}
    return type(kind)(kind.__name__, kind.__bases__, {**body, "__slots__": names})


# ── what is made when it is asked for ─────────────────────────────────────────


class _Recipe:
    """What a class of values was made from."""

    __slots__ = ("fields", "frozen", "kind", "kw_only")

    def __init__(
        self, kind: Any, fields: tuple[Field, ...], *, frozen: bool, kw_only: bool
    ) -> None:
        self.kind = kind
        self.fields = fields
        self.frozen = frozen
        self.kw_only = kw_only

    def first_init(self) -> Callable[..., None]:
        """For the first few values; then it puts the real ``__init__`` in its own place."""
        left = _BY_HAND

        def init(value: Any, /, *given: Any, **named: Any) -> None:
            nonlocal left
            left -= 1
            if left < 0 or not self._fill(value, given, named):
                self.kind.__init__ = self.init()
                value.__init__(*given, **named)

        return init

    def _fill(self, value: Any, given: tuple[Any, ...], named: dict[str, Any]) -> bool:
        """Give a new value its fields; false where it cannot be, and ``__init__`` says why."""
        if given:
            by_place = {field.name: item for field, item in zip(self.fields, given, strict=False)}
            if self.kw_only or len(by_place) < len(given) or not by_place.keys().isdisjoint(named):
                return False
            named = by_place | named
        absent = 0
        for field in self.fields:
            item = named.get(field.name, MISSING)
            if item is MISSING:
                absent += 1
                item = field.absent()
                if item is MISSING:
                    return False
            object.__setattr__(value, field.name, item)
        return len(named) + absent == len(self.fields)

    def init(self) -> Any:
        """``__init__``, written out, since no other is as quick."""
        names: dict[str, Any] = {"_set": object.__setattr__, "_missing": MISSING}
        takes = ["self", "*"] if self.kw_only and self.fields else ["self"]
        # What is frozen refuses an assignment: where it has a dictionary that is written to, which
        # is three times as quick as asking ``object``.
        store = "self.{0}={1}"
        lines = []
        if self.frozen and self.kind.__dictoffset__:
            lines.append("_own=self.__dict__")
            store = "_own[{0!r}]={1}"
        elif self.frozen:
            store = "_set(self,{0!r},{1})"
        for field in self.fields:
            name = item = field.name
            if field.factory is not None:
                takes.append(f"{name}=_missing")
                names[f"_default_{name}"] = field.factory
                item = f"_default_{name}() if {name} is _missing else {name}"
            elif field.default is not MISSING:
                takes.append(f"{name}=_default_{name}")
                names[f"_default_{name}"] = field.default
            else:
                takes.append(name)
            lines.append(store.format(name, item))
        body = "\n ".join(lines) or "return"
        exec(f"def __init__({','.join(takes)}):\n {body}", names)  # noqa: S102 - of names in our own classes
        init: Any = names["__init__"]
        init.__qualname__ = f"{self.kind.__qualname__}.__init__"
        return init

    def twin(self, *, init: bool) -> Any:
        """A dataclass with these fields, and with no method but an ``__init__`` if it is wanted."""
        import dataclasses  # noqa: PLC0415  the reason for this module

        kind = self.kind
        types = {field.name: kind.__annotations__[field.name] for field in self.fields}
        body: dict[str, Any] = {"__annotations__": types, "__doc__": kind.__doc__}
        for field in self.fields:
            more: dict[str, Any] = {"repr": field.shown}
            if field.factory is not None:
                more["default_factory"] = field.factory
            elif field.default is not MISSING:
                more["default"] = field.default
            body[field.name] = dataclasses.field(**more)
        made = dataclasses.dataclass(init=init, repr=False, eq=False, kw_only=self.kw_only)
        return made(type(kind.__name__, (), body))


#: What ``dataclasses`` and ``inspect`` look for in a class.
_FOR_DATACLASSES: Final = ("__dataclass_fields__", "__signature__")


class _Asked:
    """One of these; it gives way to what it stands for."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, value: object | None, kind: Any) -> Any:
        if self.name == "__signature__":
            from inspect import signature  # noqa: PLC0415  as dear as `dataclasses`

            found = signature(kind.__recipe__.twin(init=True))
        else:
            found = getattr(kind.__recipe__.twin(init=False), self.name)
        setattr(kind, self.name, found)
        return found


# ── the methods of all values ─────────────────────────────────────────────────


def _by(names: tuple[str, ...]) -> tuple[Any, Any]:
    """``__eq__`` and ``__hash__`` by these fields."""
    told: Any = attrgetter(*names) if names else lambda _: ()

    def equal(value: Any, other: Any) -> Any:
        if type(value) is not type(other):
            return NotImplemented
        return value is other or told(value) == told(other)

    return equal, lambda value: hash(told(value))


def _repr(value: Any) -> str:
    kind = type(value)
    shown = (field.name for field in kind.__recipe__.fields if field.shown)
    return f"{kind.__qualname__}({', '.join(f'{name}={getattr(value, name)!r}' for name in shown)})"


def _refuse(value: Any, name: str, *_: object) -> None:
    from dataclasses import FrozenInstanceError  # noqa: PLC0415  the reason for this module

    raise FrozenInstanceError(f"{type(value).__qualname__}.{name} cannot be changed")


def _restore(value: Any, state: tuple[None, dict[str, Any]]) -> None:
    """What ``pickle`` and ``copy`` do with what is in slots, past the refusal."""
    for name, item in state[1].items():
        object.__setattr__(value, name, item)
