import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inspan.errors import BadInput, FolderMissing, ProgramNotFound
from inspan.providers import programs


def tool(folder: Path, name: str, mode: int = 0o755) -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


@pytest.mark.parametrize("command", [(), ("",), ("a", "b\0c"), ("\ud800",), ("a", "x" * (1 << 21))])
def test_what_cannot_be_arguments_is_refused(command: tuple[str, ...]) -> None:
    with pytest.raises(BadInput):
        programs.check_arguments(command)


def test_arguments_may_hold_any_bytes() -> None:
    programs.check_arguments(("printf", os.fsdecode(b"\xff\xfe"), "", "\n", "\x1b[31m"))


@pytest.mark.parametrize("env", [{"": "x"}, {"A=B": "x"}, {"A": "x\0"}, {"A": "\ud800"}])
def test_what_cannot_be_an_environment_is_refused(env: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        programs.check_environment(env)


def test_a_folder_has_to_be_there_and_absolute(tmp_path: Path) -> None:
    programs.check_folder(str(tmp_path))
    for missing in (tmp_path / "none", tool(tmp_path, "file")):
        with pytest.raises(FolderMissing):
            programs.check_folder(str(missing))
    for bad in ("relative", f"{tmp_path}\0"):
        with pytest.raises(BadInput):
            programs.check_folder(bad)


@contextmanager
def nobody() -> Iterator[None]:
    """Root may enter every folder; the system asks for the real user when it is asked."""
    if os.geteuid() != 0:
        yield
        return
    os.setreuid(65534, 0)
    try:
        yield
    finally:
        os.setreuid(0, 0)


def test_a_folder_that_may_not_be_entered_is_told_with_what_to_look_at(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o600)
    with nobody(), pytest.raises(FolderMissing, match="may not be entered") as caught:
        programs.check_folder(str(closed))
    assert "permissions" in caught.value.hint


def test_a_program_is_looked_for_on_the_tasks_path(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    tool(tmp_path / "bin", "mytool")
    programs.check_program("mytool", str(tmp_path), {"PATH": f"/nowhere:{tmp_path}/bin"})
    programs.check_program("mytool", str(tmp_path), {"PATH": "bin"})
    programs.check_program("./bin/mytool", str(tmp_path), {})
    programs.check_program(sys.executable, str(tmp_path), {})
    programs.check_program("sh", str(tmp_path), {})
    with pytest.raises(ProgramNotFound):
        programs.check_program("mytool", str(tmp_path), {"PATH": "/nowhere"})


@pytest.mark.parametrize(
    ("program", "hint"),
    [
        ("mytol", "Did you mean `mytool`?"),
        ("here", "run `./here`"),
        ("a | b", "sh -c"),
        ("xyzzyxyzzy", "PATH"),
        ("./closed", "chmod +x ./closed"),
        ("./bin", "Check the spelling"),
        ("./none", "Check the spelling"),
    ],
)
def test_a_program_that_is_not_there_comes_with_a_hint(
    tmp_path: Path, program: str, hint: str
) -> None:
    (tmp_path / "bin").mkdir()
    tool(tmp_path / "bin", "mytool")
    tool(tmp_path, "here")
    tool(tmp_path, "closed", 0o644)
    with pytest.raises(ProgramNotFound) as caught:
        programs.check_program(program, str(tmp_path), {"PATH": "/nowhere:bin"})
    assert hint in caught.value.hint
