"""The help has every key, as it is made of what binds them; and groups have one name each."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

import inspan.server
import inspan.tui
from inspan.telling.groups import STATES, Group
from inspan.tui.app import Cockpit
from inspan.tui.keyhelp import named, sections
from inspan.tui.screens.help import Help
from inspan.tui.screens.tasks import Tasks
from tests.fakes.control import FakeControl
from tests.unit.tui.test_tasks import opened, until

pytestmark = pytest.mark.requirement("E4")

ROOM = Path(inspan.tui.__file__).parent


def _binding_classes(file: Path) -> list[str]:
    """Classes of a file that bind keys."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ClassDef):
            targets = [one.target for one in node.body if isinstance(one, ast.AnnAssign)]
            if any(isinstance(one, ast.Name) and one.id == "BINDINGS" for one in targets):
                found.append(node.name)
    return found


def test_every_class_that_binds_keys_is_found_once_the_program_is_there() -> None:
    wanted = {name for file in ROOM.rglob("*.py") for name in _binding_classes(file)}
    assert len(wanted) > 12
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import inspan.tui.app\nfrom textual.dom import DOMNode\n"
            "from inspan.tui.keyhelp import _all\n"
            "print(*(kind.__name__ for kind in _all(DOMNode)))",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.split()
    assert wanted - set(told) == set()


def test_every_key_that_is_bound_is_told_with_what_it_does() -> None:
    told = [pair for pairs in sections([Tasks, Cockpit]).values() for pair in pairs]
    checked = 0
    for kind in _kinds(Widget) | {Cockpit}:
        for binding in vars(kind).get("BINDINGS", ()):
            assert isinstance(binding, Binding)
            assert binding.tooltip or binding.description, (kind, binding.key)
            keys = " ".join(map(named, binding.key.split(",")))
            assert any(keys == pair[0] for pair in told), (kind, keys)
            checked += 1
    assert checked > 60


def _kinds(kind: type[Widget]) -> set[type[Widget]]:
    below = {one for child in kind.__subclasses__() for one in _kinds(child)}
    return below | ({kind} if kind.__module__.startswith("inspan.tui") else set())


def test_a_key_that_somebody_binds_later_is_in_the_help() -> None:
    class NewlyBound(Static):
        BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+j", "jump", "Jump about")]

    assert "Newly bound" not in sections([])
    NewlyBound.__module__ = "inspan.tui.later"
    assert sections([])["Newly bound"] == [("Ctrl-J", "jump about")]
    NewlyBound.__module__ = "elsewhere"


@pytest.mark.anyio
async def test_the_help_begins_with_the_keys_of_the_screen_it_is_asked_on() -> None:
    control = FakeControl()
    await control.submit_running()
    async with opened(control, (100, 40)) as (app, pilot):
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        for key, title in [("", "Tasks"), ("enter", "One task"), ("p", "How much is done")]:
            if key:
                await pilot.press(key)
            await pilot.press("question_mark")
            await until(pilot, lambda: isinstance(app.screen, Help) and app.screen.is_mounted)
            said = str(app.screen.query_one("#help Static", Static).render())
            assert said.splitlines()[0] == title
            await pilot.press("escape")


def test_the_page_calls_the_groups_what_the_screens_call_them() -> None:
    page = (Path(inspan.server.__file__).parent / "web" / "known.js").read_text()
    groups = page[page.index("GROUPS = [") :].split("];", 1)[0]
    assert re.findall(r'name: "([^"]+)"', groups) == [group.value for group in Group]
    told = re.findall(r"states: \[([^\]]*)\], belongs", groups)
    for states, group in list(zip(told, Group, strict=True))[:3]:
        assert set(re.findall(r'"(\w+)"', states)) == {state.value for state in STATES[group]}
