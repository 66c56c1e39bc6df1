"""`inspan py` before there is a session: what it is given, and what it cannot be."""

import json
import os
from pathlib import Path

import pytest

from inspan.cli.main import main

pytestmark = pytest.mark.requirement("D1")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INSPAN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_file_that_is_no_text_is_refused_before_anything_begins(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "program.py"
    program.write_bytes(b"print('\xff\xfe')\n")
    assert main(["py", str(program)]) == 2
    assert f"{program} is no UTF-8 text: invalid start byte" in capsys.readouterr().err
    assert not home.exists()


@pytest.mark.parametrize(
    ("name", "why"),
    [("nowhere.py", "nowhere.py: No such file"), (".", ".: Is a dir"), ("", "'': Is a dir")],
)
def test_a_file_that_cannot_be_read_is_refused_by_name(
    home: Path, name: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["py", name]) == 2
    told = capsys.readouterr().err
    assert f"cannot read {why}" in told
    assert "hint: Name a file of Python" in told
    assert not home.exists()


def test_a_pipe_that_brings_no_text_is_refused(
    tmp_path: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "pipe").write_bytes(b"\xff")
    with (tmp_path / "pipe").open(encoding="utf-8") as pipe:
        monkeypatch.setattr("sys.stdin", pipe)
        assert main(["py"]) == 2
    assert "standard input is no UTF-8 text: invalid start byte" in capsys.readouterr().err
    assert not home.exists()


def test_a_prompt_cannot_be_had_as_json(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    master, slave = os.openpty()
    with os.fdopen(slave, encoding="utf-8") as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        assert main(["py", "--json"]) == 2
    os.close(master)
    told = json.loads(capsys.readouterr().out)["error"]
    assert (told["code"], "inspan py --json -c CODE" in told["message"]) == ("bad-input", True)
    assert not home.exists()
