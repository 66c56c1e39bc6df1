import argparse
from pathlib import Path

import pytest

from inspan.cli.parsing import Parser
from inspan.cli.py import add_arguments
from inspan.cli.py_flags import chosen_python, grants, limits, refuse_others
from inspan.errors import BadInput, Conflict
from inspan.model.code import CodeSession, CodeSpec
from inspan.model.session import CodeState

pytestmark = pytest.mark.requirement("D1")


def parsed(*words: str) -> argparse.Namespace:
    parser = Parser(prog="inspan py")
    add_arguments(parser)
    return parser.parse_args(["--session", "lab", *words, "-c", "1"])


def opened(*words: str) -> CodeSession:
    args = parsed(*words)
    spec = CodeSpec(
        cwd="/",
        name="lab",
        python=chosen_python(args.python),
        grants=grants(args),
        limits=limits(args),
    )
    return CodeSession(id="py-1", spec=spec, state=CodeState.READY, created_at=0)


@pytest.mark.parametrize("flag", ["--read", "--write"])
def test_an_empty_path_does_not_grant_the_working_folder(flag: str) -> None:
    with pytest.raises(BadInput, match="an empty path names nothing"):
        grants(parsed(flag, ""))


EVERY = [
    ("--read", "/usr"),
    ("--write", "/tmp"),
    ("--net",),
    ("--grant", "tasks"),
    ("--no-sandbox",),
    ("--memory", "2G"),
    ("--cpu", "60s"),
    ("--files", "99"),
    ("--python", "/usr/bin/python3"),
]


@pytest.mark.parametrize("flag", [*EVERY, ("--require-sandbox",)])
def test_a_flag_that_a_session_was_opened_without_is_refused_by_name(flag: tuple[str, ...]) -> None:
    with pytest.raises(Conflict, match=f"lab is open, and was opened without {' '.join(flag)}$"):
        refuse_others(opened(), parsed(*flag))


def test_flags_that_it_was_opened_with_may_be_said_again_or_left_out() -> None:
    words = [word for flag in EVERY for word in flag]
    session = opened(*words)
    for said in ([], words, ["--memory", "2048M"], ["--net"]):
        refuse_others(session, parsed(*said))
    with pytest.raises(Conflict, match=r"without --memory 3G --files 98$"):
        refuse_others(session, parsed("--memory", "3G", "--files", "98", "--net"))


def test_paths_mean_what_they_mean_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    session = opened("--write", ".", "--python", "bin/python")
    assert session.spec.grants.write == (str(tmp_path),)
    assert session.spec.python == str(tmp_path / "bin/python")
    refuse_others(session, parsed("--write", str(tmp_path), "--python", "./bin/python"))


def test_the_sandbox_is_asked_for_or_not() -> None:
    with pytest.raises(BadInput, match="exclude each other"):
        grants(parsed("--no-sandbox", "--require-sandbox"))
