"""Alerts and the runbook hold each other, and both what is there: figures, commands, codes."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families as parsed

from inspan.cli.main import main, parser_of
from inspan.errors import BadInput
from inspan.server import exposition
from tests.real.console import Console
from tests.real.promql import Expression, Selector
from tests.unit.server.test_exposition import METRICS
from tests.unit.test_docs import blocks, headings, what_is_wrong
from tests.unit.test_errors import CLASSES

pytestmark = pytest.mark.requirement("C9")

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
TEXT = RUNBOOK.read_text(encoding="utf-8")
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load(files("inspan.monitor").joinpath("alerts.yml").read_text())[
        "groups"
    ]
    for rule in group["rules"]
]
SEVERITIES = {"critical", "warning", "info"}
#: What Prometheus itself says of each target.
THEIRS = {"up"}


def section(name: str) -> str:
    """The text of the alert's section."""
    found = re.search(rf"^### {name}\n(.*?)(?=^##)", TEXT, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def test_each_alert_has_its_section_and_each_section_its_alert() -> None:
    alerts = TEXT.split("## Alerts\n")[1].split("\n## ")[0]
    assert re.findall(r"^### (\w+)$", alerts, re.MULTILINE) == [rule["alert"] for rule in RULES]
    assert len(RULES) >= 12


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_how_bad_that_is_and_where_help_is(
    rule: dict[str, Any],
) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"\d+[mh]", rule.get("for", "1m"))
    severity = rule["labels"]["severity"]
    assert severity in SEVERITIES
    told = rule["annotations"]
    assert set(told) == {"summary", "description", "runbook_url"}
    assert "$labels.instance" in told["summary"]
    file, _, anchor = told["runbook_url"].partition("#")
    assert (file, anchor in headings(RUNBOOK)) == ("docs/runbook.md", True)
    assert anchor == rule["alert"].lower()
    text = section(rule["alert"])
    assert f"*{severity.capitalize()}.*" in text
    assert "\nLook: " in text
    assert "\nDo" in text
    assert "`inspan " in text


def names() -> dict[str, list[dict[str, str]]]:
    """Every figure that the server says, with the labels that it has."""
    return _figures(exposition.written(METRICS, "1.0"))


def _figures(text: str) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for family in parsed(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(dict(sample.labels))
    return found


def unknown(selectors: list[Selector], known: dict[str, list[dict[str, str]]]) -> Iterator[str]:
    for selector in selectors:
        if selector.name in THEIRS:
            continue
        sets = known.get(selector.name, [])
        if not any(selector.labels.items() <= labels.items() for labels in sets):
            yield f"{selector.name}{selector.labels}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_expression_can_be_read_and_asks_for_what_is_there(rule: dict[str, Any]) -> None:
    found = Expression(rule["expr"])
    assert found.selectors
    assert [*unknown(found.selectors, names())] == []


@pytest.mark.parametrize(
    "wrong",
    [
        "rate(inspan_queue_depth) > 1",
        "rate(inspan_queue_depth[5m]",
        "inspan_queue_depth >",
        "inspan_queue_depth inspan_queue_depth",
        "sum by (job inspan_queue_depth)",
        'inspan_queue_depth{state="x" > 1',
        "increase(5m) > 1",
        "histogram_quantile(inspan_queue_depth)",
        "inspan_queue_depth & 1",
    ],
)
def test_an_expression_with_a_mistake_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Expression(wrong)


def test_a_figure_that_is_not_there_is_found() -> None:
    for wrong in ("inspan_queue_depht", 'inspan_tasks_ended_total{state="broken"}'):
        assert [*unknown(Expression(wrong).selectors, names())]


def test_a_server_at_work_says_every_figure_that_the_alerts_ask_for() -> None:
    import http.client  # noqa: PLC0415 - only here
    import socket  # noqa: PLC0415

    with Console() as console:
        console.say("run", "--", "true")
        path = json.loads(console.say("status", "--json"))["socket"]
        link = http.client.HTTPConnection("inspan")
        link.sock = socket.socket(socket.AF_UNIX)
        link.sock.settimeout(30)
        link.sock.connect(path)
        link.request("GET", "/metrics")
        known = _figures(link.getresponse().read().decode())
        link.close()
    wanted = [selector for rule in RULES for selector in Expression(rule["expr"]).selectors]
    assert [*unknown(wanted, known)] == []


def test_a_keeper_that_is_gone_says_nothing_by_which_the_alert_knows() -> None:
    gone = replace(METRICS, now=replace(METRICS.now, keeper=None))
    (rule,) = [rule for rule in RULES if rule["alert"] == "InspanKeeperGone"]
    missing = [
        *unknown(Expression(rule["expr"]).selectors, _figures(exposition.written(gone, "1")))
    ]
    assert missing == ["inspan_resident_bytes{'process': 'keeper'}"]


def spoken() -> list[str]:
    """Every `inspan …` of the runbook, in text and in blocks."""
    inline = re.findall(r"`(inspan [^`]+)`", TEXT)
    typed = [
        line
        for block in blocks(RUNBOOK, "console")
        for line in re.findall(r"^\$ (inspan .*)$", block, re.MULTILINE)
    ]
    return sorted({*inline, *typed})


@pytest.mark.parametrize("command", spoken())
def test_a_command_of_the_runbook_is_taken_by_the_command_line(command: str) -> None:
    words = shlex.split(command, comments=True)
    assert what_is_wrong(words) == ""
    parser_of(words[1])[0].parse_args(words[2:])


def test_there_are_commands_and_a_wrong_one_would_be_found() -> None:
    assert len(spoken()) > 30
    with pytest.raises(BadInput):
        parser_of("db")[0].parse_args(["mend"])


def test_the_codes_that_the_runbook_names_exist() -> None:
    named = re.findall(r"`([a-z]+-[a-z-]+)`[:,]", section("InspanErrors"))
    assert len(named) >= 5
    assert {*named} - {kind.code for kind in CLASSES.values()} == set()


def test_the_rules_are_printed_with_the_runbook_of_ones_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["alerts"]) == 0
    plain = yaml.safe_load(capsys.readouterr().out)
    assert plain["groups"][0]["rules"] == RULES
    assert main(["alerts", "--runbook", "https://wiki.example/run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["groups"][0]["rules"]
    assert [rule["annotations"]["runbook_url"] for rule in told] == [
        f"https://wiki.example/run#{rule['alert'].lower()}" for rule in RULES
    ]
    assert main(["alerts", "--runbook", "a b"]) == 2
