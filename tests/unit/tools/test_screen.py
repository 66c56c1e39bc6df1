import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.recordings import record

ROOT = Path(__file__).parents[3]


def shown(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.screen", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("emulator", ["ghostty", "pyte"])
def test_a_recording_is_shown_with_what_the_rules_say(tmp_path: Path, emulator: str) -> None:
    folder = record(tmp_path / "r", [(5.0, (30, 3)), (6.5, b"Go on? [y/N] "), (9.0, (b"y",))])
    done = shown(str(folder), "--rows", "--emulator", emulator)
    assert done.returncode == 0, done.stderr
    assert "1.800  waiting   screen    generic/yes-or-no" in done.stdout
    assert "asks question: 'Go on? [y/N]'  'y'  'N'" in done.stdout
    assert "│Go on? [y/N]" in done.stdout
    assert "cursor 13,0" in done.stdout


def test_rules_from_a_file_and_what_is_wrong_with_it(tmp_path: Path) -> None:
    folder = record(tmp_path / "r", [(5.0, (30, 3)), (6.0, b"ready")])
    rules = tmp_path / "mine.toml"
    rules.write_text(
        'agent = "mine"\n[[rule]]\nid = "a"\nkind = "idle"\nregion = "whole"\nall = ["ready"]'
    )
    assert "mine/a" in shown(str(folder), "--rules", str(rules)).stdout
    rules.write_text('agent = "mine"')
    wrong = shown(str(folder), "--rules", str(rules))
    assert (wrong.returncode, "mine.toml, rule: a file has" in wrong.stderr) == (2, True)
    assert shown(str(tmp_path / "none")).returncode == 2
