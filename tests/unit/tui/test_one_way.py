"""What the terminal interface does in one place only: making tasks, and moving the focus."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import inspan.tui

ROOM = Path(inspan.tui.__file__).parent
#: What may be called in one file alone → that file.
ONLY = {
    "create_task": "background.py",
    "ensure_future": "background.py",
    "run_worker": "background.py",
    "run_coroutine_threadsafe": "background.py",
    "work": "background.py",
    "set_focus": "focus.py",
    "focus": "focus.py",
}


def called(source: str) -> set[tuple[str, int]]:
    """The last names of what is called or decorates, with their lines."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        named: list[ast.expr] = []
        if isinstance(node, ast.Call):
            named = [node.func]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            named = [one for one in node.decorator_list if not isinstance(one, ast.Call)]
        for one in named:
            if isinstance(one, ast.Name | ast.Attribute):
                found.add((one.id if isinstance(one, ast.Name) else one.attr, one.lineno))
    return found


def elsewhere(source: str, file: str) -> list[str]:
    """What ``source`` does that only another file may."""
    return [
        f"{file}:{line}: {name} is for {ONLY[name]}"
        for name, line in sorted(called(source), key=lambda one: one[1])
        if name in ONLY and ONLY[name] != file
    ]


@pytest.mark.requirement("E1", "E2")
def test_only_one_file_makes_tasks_and_only_one_moves_the_focus() -> None:
    files = sorted(ROOM.rglob("*.py"))
    assert {"background.py", "focus.py"} <= {file.name for file in files}
    assert [what for file in files for what in elsewhere(file.read_text(), file.name)] == []


@pytest.mark.parametrize(
    "line",
    [
        "asyncio.create_task(one())",
        "create_task(one())",
        "self.run_worker(one())",
        "self.query_one('#x').focus()",
        "self.screen.set_focus(None)",
        "@work\nasync def one(): ...",
        "@work(exclusive=True)\nasync def one(): ...",
    ],
)
def test_the_look_for_them_finds_them(line: str) -> None:
    assert elsewhere(line, "list.py")
    assert not elsewhere("self.tasks.fire_and_forget(one(), 'one')", "list.py")
