"""What names mean and what they hold, found without running code of the session.

No property, no ``__getattr__`` and no import is executed; ``__dir__`` is, since it is an object's
own word on its names. Functions here may raise what such a method raises.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from importlib.machinery import ModuleSpec, PathFinder
from itertools import islice
from pathlib import Path
from typing import Final

#: What a name has that cannot be found.
MISSING: Final = object()
#: The most names, keys or files that are looked at, and the largest source that is parsed.
MOST: Final = 20_000
MOST_SOURCE: Final = 1 << 20


def resolve(path: str, namespace: Mapping[str, object]) -> object:
    """The object that a dotted path names, or MISSING."""
    first, *rest = (part.strip() for part in path.split("."))
    value = namespace.get(first, vars(builtins).get(first, MISSING))
    for name in rest:
        if value is MISSING:
            break
        value = attribute(value, name)
    return value


def attribute(value: object, name: str) -> object:
    """An attribute as it is stored, or MISSING where code would have to run for it."""
    if isinstance(value, types.ModuleType):
        return types.ModuleType.__getattribute__(value, "__dict__").get(name, MISSING)
    found: object = inspect.getattr_static(value, name, MISSING)
    if isinstance(found, staticmethod | classmethod):
        return found.__func__
    if isinstance(found, types.MemberDescriptorType | types.GetSetDescriptorType):
        try:
            given: object = found.__get__(value, type(value))
        except AttributeError:
            return MISSING
        return given
    plain = isinstance(found, _FUNCTIONS) or not hasattr(type(found), "__get__")
    return found if plain or isinstance(found, type) else MISSING


_FUNCTIONS: Final = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
    types.MethodType,
)


def names(value: object) -> Iterator[str]:
    """The names of an object's attributes, as it tells them."""
    try:
        told: Iterable[object] = dir(value)
    except Exception:  # noqa: BLE001  # the user's `__dir__` may raise anything
        told = object.__dir__(value)
    return (name for name in islice(told, MOST) if isinstance(name, str))


def parameters(value: object) -> list[str]:
    """The names by which arguments may be given to a call of ``value``."""
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    found = inspect.signature(value).parameters.values() if callable(value) else ()
    return [one.name for one in found if one.kind in by_name]


def keys(value: object) -> list[str]:
    """The keys of a dict that are text, or what an object says may stand in its brackets."""
    told: Iterable[object] = ()
    if isinstance(value, dict):
        told = list(islice(dict.keys(value), MOST))
    elif offer := getattr(type(value), "_ipython_key_completions_", None):
        told = list(offer(value))[:MOST]
    return [key for key in told if isinstance(key, str)]


def modules(package: str) -> list[str]:
    """The modules that a package has, or of the top; nothing is imported for it."""
    import pkgutil  # noqa: PLC0415  # only needed here

    if not package:
        found = (module.name for module in pkgutil.iter_modules())
        return [*sys.builtin_module_names, *islice(found, MOST)]
    places = _places(package)
    return [module.name for module in islice(pkgutil.iter_modules(places), MOST)] if places else []


def members(module: str) -> list[str]:
    """What may be imported from a module; one that is not loaded is read, not run."""
    loaded = sys.modules.get(module)
    if loaded is not None:
        return [*names(loaded), *modules(module)]
    spec = _spec(module)
    own = _written(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else []
    return [*own, *modules(module)]


def _places(package: str) -> list[str]:
    loaded = sys.modules.get(package)
    if loaded is not None:
        return list(vars(loaded).get("__path__", ()))
    spec = _spec(package)
    return list(spec.submodule_search_locations or ()) if spec else []


def _spec(module: str) -> ModuleSpec | None:
    places: list[str] | None = None
    spec: ModuleSpec | None = None
    parts = module.split(".")
    for depth, _ in enumerate(parts, 1):
        spec = PathFinder.find_spec(".".join(parts[:depth]), places)
        if spec is None:
            return None
        places = list(spec.submodule_search_locations or ())
    return spec


def _written(origin: str) -> list[str]:
    """The names that the source of a module binds at its top."""
    file = Path(origin)
    try:
        if file.stat().st_size > MOST_SOURCE:
            return []
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return []
    bound: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.append(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound += [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            bound += [target.id for target in targets if isinstance(target, ast.Name)]
    return bound
