"""``inspan agents`` looks at the PATH and asks what it finds for its version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inspan.cli.main import main

pytestmark = pytest.mark.requirement("C5")


def _program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def _agents(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    assert main(["agents", "--json"]) == 0
    return {agent["name"]: agent for agent in json.loads(capsys.readouterr().out)}


def test_what_is_here_tells_its_version_and_what_is_not_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    _program(tmp_path, "claude", "echo '2.1.197 (Claude Code)'")
    told = _agents(capsys)["claude"]
    assert (told["version"], told["path"]) == ("2.1.197", str(tmp_path / "claude"))
    (tmp_path / "claude").unlink()
    assert _agents(capsys)["claude"]["path"] is None
    assert main(["agents"]) == 0
    printed = capsys.readouterr()
    assert "npm install -g @anthropic-ai/claude-code" in printed.out
    assert "no agent is installed" in printed.err


@pytest.mark.parametrize("script", ["exit 1", "echo nothing", "printf '\\377'"])
def test_one_that_tells_no_version_is_here_all_the_same(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    script: str,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    _program(tmp_path, "claude", script)
    told = _agents(capsys)["claude"]
    assert told["version"] is None
    assert told["path"] is not None
    assert main(["agents"]) == 0
    assert "?" in capsys.readouterr().out
