import ast
import inspect
import re
from pathlib import Path

import pytest

from inspan import errors
from inspan.errors import InspanError, by_code

TESTS = Path(__file__).parent.parent

CLASSES: dict[str, type[InspanError]] = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, InspanError)
}
#: These only hold others together; nothing raises them.
GROUPS = {"InspanError", "Refused", "NotFound", "Conflict", "Unable"}


def drawn() -> dict[str, tuple[str | None, str | None]]:
    """The tree in the module's docstring: class → the class above it, and the code beside it."""
    found: dict[str, tuple[str | None, str | None]] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"    ([│├└─ ]*)([A-Z][A-Za-z]+)(?:\s+(\S.*))?$", line)
        if match is None:
            continue
        depth = len(match[1]) // 4
        above[depth:] = [match[2]]
        words = (match[3] or "").split()
        found[match[2]] = (
            above[depth - 1] if depth else None,
            words[0] if len(words) == 1 else None,
        )
    return found


def test_the_drawn_tree_is_the_tree_of_classes() -> None:
    bases = {name: kind.__base__.__name__ for name, kind in CLASSES.items() if kind.__base__}
    bases["InspanError"] = ""
    assert {name: parent or "" for name, (parent, _) in drawn().items()} == bases


def test_the_drawn_codes_are_the_codes() -> None:
    wrong = {
        name: code for name, (_, code) in drawn().items() if code and CLASSES[name].code != code
    }
    assert wrong == {}
    assert {name for name, (_, code) in drawn().items() if not code} <= GROUPS


def test_codes_are_unique_and_of_small_letters() -> None:
    codes = [kind.code for kind in CLASSES.values()]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)
    assert all("code" in vars(kind) for kind in CLASSES.values())


@pytest.mark.parametrize("kind", CLASSES.values(), ids=lambda kind: kind.code)
def test_each_error_says_what_happened_and_what_to_do(kind: type[InspanError]) -> None:
    error = kind()
    assert error.message == str(error) == inspect.cleandoc(kind.__doc__ or "")
    assert error.message.endswith(".")
    assert error.hint.endswith(".")
    said = kind("this", hint="that")
    assert (said.message, str(said), said.hint) == ("this", "this", "that")


@pytest.mark.parametrize("kind", CLASSES.values(), ids=lambda kind: kind.code)
def test_an_error_comes_back_from_its_code(kind: type[InspanError]) -> None:
    error = by_code(kind.code, "this", "that")
    assert type(error) is kind
    assert (error.message, error.hint) == ("this", "that")
    assert by_code(kind.code, "this").hint == kind.default_hint


def test_an_unknown_code_stays_readable() -> None:
    error = by_code("from-the-future", "the moon is full")
    assert type(error) is InspanError
    assert error.message == "the moon is full"


def raised_in_tests() -> set[str]:
    """Names in ``pytest.raises(...)``, and every string that a test compares with."""
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        if path == Path(__file__):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("raises"):
                found |= {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
                found |= {name.attr for name in ast.walk(node) if isinstance(name, ast.Attribute)}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.Attribute) and node.attr == "code":
                found.add(ast.unparse(node).rsplit(".", 2)[-2])
    return found


def test_every_error_is_raised_by_a_test() -> None:
    found = raised_in_tests()
    missing = [
        name
        for name, kind in CLASSES.items()
        if name not in GROUPS and name not in found and kind.code not in found
    ]
    assert missing == [], f"no test raises {', '.join(missing)}"
