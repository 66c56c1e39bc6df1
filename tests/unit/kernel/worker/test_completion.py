"""What could follow, and what is known of a name, without running code of the session."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.kernel.worker.completion import complete, inspect
from inspan.kernel.worker.scan import callee, place_of


class Person:
    """Someone."""

    kind = "human"
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def age(self) -> int:
        raise AssertionError("a property ran")

    @staticmethod
    def made(first: str, *, last: str = "x") -> str:
        """Make a name."""
        return first + last

    def greet(self, other: str, loudly: bool = False) -> str:
        return other * loudly


class Proxy:
    def __getattr__(self, name: str) -> Any:
        raise AssertionError("__getattr__ ran")


class Broken:
    def __dir__(self) -> list[str]:
        raise ValueError


class Frame:
    def _ipython_key_completions_(self) -> list[object]:
        return ["column", 3]


class Hostile:
    def _ipython_key_completions_(self) -> list[object]:
        raise ValueError

    @property  # type: ignore[misc]  # on purpose
    def __class__(self) -> type:
        raise ValueError


class Text(str):
    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        raise ValueError


class Named:
    def __dir__(self) -> list[str]:
        return [Text("ödd")]


SPACE: dict[str, object] = {
    "hostile": Hostile(),
    "named": Named(),
    "nameless": Person.__new__(Person),
    "person": Person("Ada"),
    "proxy": Proxy(),
    "broken": Broken(),
    "frame": Frame(),
    "fruit": {"apple": 1, "apricot": 2, "it's": 3, 4: 5},
    "os": os,
    "value": 3,
    "_hidden": 1,
    "ünder": 1,
}


def matches(code: str, cursor: int | None = None) -> list[str]:
    found, start, end = complete(code, len(code) if cursor is None else cursor, SPACE)
    assert 0 <= start <= end <= len(code)
    return found


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("val", ["value"]),
        ("x = val", ["value"]),
        ("ün", ["ünder"]),
        ("_hid", ["_hidden"]),
        ("whil", ["while"]),
        ("isinst", ["isinstance"]),
        ("person.na", ["name"]),
        ("person . gr", ["greet"]),
        ("(person.ki", ["kind"]),
        ("person.name.upp", ["upper"]),
        ("os.path.joi", ["join"]),
        ("person.age.", []),
        ("proxy.thing.", []),
        ("unknown.", []),
        ("f().na", []),
        ("'text'.up", []),
        ("3.", []),
        ("person.greet(ot", ["other="]),
        ("person.greet(1, f(2), lou", ["loudly="]),
        ("person.greet('(', lou", ["loudly="]),
        ("value(lou", []),
        ("fruit['ap", ["apple", "apricot"]),
        ('fruit["it', ["it's"]),
        ("fruit['it", []),
        ("frame['", ["column"]),
        ("value['", []),
        ("hostile['", []),
        ("named.", []),
        ("nameless.name.", []),
        ("dict(isinst", ["isinstance"]),
        ("f'{person.na", ["name"]),
        ("f'{{val", []),
        ("'''a ' val", []),
        ("# val", []),
        ("x = 'a' # 'val", []),
        ("x = 'broken\nval", ["value"]),
        ("'it\\'s' + val", ["value"]),
        ("import jso", ["json"]),
        ("import os, jso", ["json"]),
        ("import os as o, jso", ["json"]),
        ("import xml.do", ["dom"]),
        ("from xml.do", ["dom"]),
        ("from xml.dom import minid", ["minidom"]),
        ("from os import (path, getcw", ["getcwd", "getcwdb"]),
        ("x = 1; import jso", ["json"]),
        ("from . import x", []),
        ("from nowhere.at import x", []),
        ("import nowhere.at", []),
    ],
)
def test_what_could_follow(code: str, wanted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    # What is installed beside us must not change what a module's name could be.
    monkeypatch.setattr(sys, "path", [str(Path(os.__file__).parent)])
    assert matches(code) == wanted


def test_a_match_replaces_what_was_typed() -> None:
    code = "print(person.gr)"
    assert complete(code, 15, SPACE) == (["greet"], 13, 15)
    assert complete("fruit['ap']", 9, SPACE) == (["apple", "apricot"], 7, 9)
    assert complete("", 5, {})[1:] == (0, 0)
    assert complete("val", -1, SPACE)[1:] == (0, 0)


def test_private_names_are_for_those_who_ask() -> None:
    assert not [name for name in matches("person.") if name.startswith("_")]
    assert "__init__" in matches("person.__")
    assert "_hidden" not in matches("")


def test_a_property_is_named_and_not_run() -> None:
    assert "age" in matches("person.")
    assert matches("person.ag") == ["age"]


def test_an_object_whose_names_cannot_be_told_has_those_of_its_class() -> None:
    assert "__dir__" in matches("broken.__")


def test_nothing_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "inspan_untouched"
    package.mkdir()
    text = "import os as system\nclass Thing: ...\nwhole: int = 1\nraise AssertionError\n"
    (package / "__init__.py").write_text(text)
    (package / "inner.py").write_text("(")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert matches("import inspan_unt") == ["inspan_untouched"]
    assert matches("import inspan_untouched.") == ["inner"]
    found = matches("from inspan_untouched import ")
    assert found == ["inner", "system", "Thing", "whole"]
    assert matches("from inspan_untouched.inner import ") == []
    assert "inspan_untouched" not in sys.modules


def test_files_in_strings(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.txt").touch()
    (tmp_path / ".hidden").touch()
    assert matches(f"open('{tmp_path}/f") == ["file.txt", "folder/"]
    assert matches(f"open('{tmp_path}/") == ["file.txt", "folder/"]
    assert matches(f"open('{tmp_path}/.h") == [".hidden"]
    assert matches(f"open('{tmp_path}/nowhere/") == []
    assert matches("open('\\") == []


def known(code: str, cursor: int | None = None, detail: int = 0) -> str:
    place = len(code) if cursor is None else cursor
    return inspect(code, place, SPACE, detail).get("text/plain", "")


def test_what_is_known_of_a_name() -> None:
    assert known("value").startswith("value\nType: int\nValue: 3\n")
    text = known("person.made(1", 8)
    assert text.startswith("person.made(first: str, *, last: str = 'x') -> str\nType: function")
    assert text.endswith("Make a name.")
    assert known("person.made(1, ") == text
    assert "Someone." in known("person")
    assert known("os").startswith("os\nType: module")
    assert known("len").startswith("len(obj, /)")
    assert known("dict").startswith("dict\nType: type\n")


def test_what_is_not_known_or_would_have_to_run() -> None:
    for code in (
        "hostile",
        "nameless.name",
        "unknown",
        "person.age",
        "proxy.x",
        "'value'",
        "# value",
        "",
        "3 +",
        "[value, ",
    ):
        assert known(code) == ""


def test_detail_adds_the_source() -> None:
    assert 'raise AssertionError("__getattr__ ran")' in known("proxy", detail=1)
    assert "def greet" in known("person.greet", detail=1)
    assert "Source" not in known("len", detail=1)


def test_a_large_value_is_told_shortly() -> None:
    text = inspect("big", 3, {"big": list(range(1_000_000))})["text/plain"]
    assert len(text) < 10_000


@given(st.text(alphabet="ab.([{}])'\"\\#\n rf=,", max_size=40), st.integers(0, 40))
def test_any_code_is_read_without_an_error(code: str, cursor: int) -> None:
    place = place_of(code)
    assert len(place.code) == len(code)
    assert [n for n, c in enumerate(place.code) if c == "\n"] == [
        n for n, c in enumerate(code) if c == "\n"
    ]
    callee(place.code)
    found, start, end = complete(code, cursor, {"ab": {"a": 1}})
    assert 0 <= start <= end <= len(code)
    assert isinstance(found, list)
    inspect(code, cursor, {"ab": {"a": 1}})
