"""Prometheus' own tool reads our rules and our figures, and tries each alert; where it is there."""

from __future__ import annotations

import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from inspan.server import exposition
from tests.unit.server.test_exposition import METRICS

pytestmark = pytest.mark.requirement("A8", "C9")

TOOL = shutil.which("promtool")
TESTS = Path(__file__).parents[1] / "golden" / "alerts" / "alerts.test.yml"
RULES = files("inspan.monitor").joinpath("alerts.yml").read_text()
there = pytest.mark.skipif(TOOL is None, reason="promtool is not here (Debian: prometheus)")


def promtool(*words: str, folder: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    assert TOOL is not None
    return subprocess.run(
        [TOOL, *words], cwd=folder, input=given, capture_output=True, text=True, check=False
    )


def tried(folder: Path, rules: str) -> subprocess.CompletedProcess[str]:
    (folder / "alerts.yml").write_text(rules)
    shutil.copy(TESTS, folder)
    return promtool("test", "rules", TESTS.name, folder=folder)


def test_each_alert_is_tried() -> None:
    told = TESTS.read_text()
    rules = yaml.safe_load(RULES)["groups"][0]["rules"]
    assert [rule["alert"] for rule in rules if rule["alert"] not in told] == []


@there
def test_the_rules_and_the_figures_are_read_without_a_complaint(tmp_path: Path) -> None:
    (tmp_path / "alerts.yml").write_text(RULES)
    read = promtool("check", "rules", "--lint-fatal", "alerts.yml", folder=tmp_path)
    assert read.returncode == 0, read.stdout + read.stderr
    text = exposition.written(METRICS, "1.0")
    read = promtool("check", "metrics", folder=tmp_path, given=text)
    assert (read.returncode, read.stdout + read.stderr) == (0, "")


@there
def test_each_alert_fires_when_it_is_to_and_not_before(tmp_path: Path) -> None:
    went = tried(tmp_path, RULES)
    assert went.returncode == 0, went.stdout + went.stderr


@there
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("unless on (job, instance)", "and on (job, instance)"),
        ("inspan_disk_free_bytes < 20e9", "inspan_disk_free_bytes < 1e9"),
        ("> 0.5 * sum", "> 0.1 * sum"),
        ("for: 30m", "for: 50m"),
    ],
)
def test_a_mistake_in_a_rule_would_be_found(tmp_path: Path, right: str, wrong: str) -> None:
    assert right in RULES
    went = tried(tmp_path, RULES.replace(right, wrong))
    assert went.returncode == 1
    assert "FAILED" in went.stdout + went.stderr
