"""Agents that a person declares in the settings: a real daemon, and programs that nobody knows."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.console import Console
from tests.real.daemon import until
from tests.real.goldens import ROOT

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("A2", "C5")]

PLAYER = Path(__file__).parents[1] / "fakes" / "golden_agent.py"
PLAYS = f"{sys.executable}, {PLAYER}, {ROOT / 'opencode' / 'acp' / 'answer'}"


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console("roles: {default: 8}\n") as console:
        yield console


def declare(console: Console, text: str) -> None:
    (console.home / "config.yaml").write_text(f"roles: {{default: 8}}\nproviders:\n{text}")


def test_three_lines_are_an_agent_and_a_daemon_that_runs_knows_it(console: Console) -> None:
    console.say("run", "--", "true")
    refused = console.run("run", "--agent", "goose", "do it")
    assert refused.returncode == 125
    assert b"no provider is called 'goose'" in refused.stderr
    declare(console, f"  goose:\n    argv: [{PLAYS}]\n    mode: acp\n")
    before = json.loads(console.say("status", "--json"))["daemon"]["pid"]
    ran = console.run("run", "--agent", "goose", "do it")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()
    assert json.loads(console.say("status", "--json"))["daemon"]["pid"] == before
    heard = [json.loads(line) for line in (console.home / "heard").read_bytes().splitlines()]
    assert [line["method"] for line in heard] == ["initialize", "session/new", "session/prompt"]
    assert heard[-1]["params"]["prompt"] == [{"type": "text", "text": "do it"}]
    task = json.loads(console.say("show", "--json", "last"))
    assert (task["state"], task["agent"]["mode"]) == ("completed", "acp")
    # What it said is read by the same words when it is over.
    assert console.say("logs", "last") == ran.stdout.decode().strip()
    told = json.loads(console.say("agents", "--json"))
    (goose,) = [agent for agent in told if agent["name"] == "goose"]
    assert goose["path"] == sys.executable
    assert goose["source"].endswith("config.yaml:3")
    assert "goose" in console.say("doctor")


@pytest.mark.parametrize("prompt", [b"-rf", b"a\0b\r\n", b"0123456789abcde\n" * (1 << 16)])
def test_by_standard_input_a_prompt_arrives_to_the_byte(console: Console, prompt: bytes) -> None:
    argv = "[/bin/sh, -c, 'cat >got; echo done']"
    declare(console, f"  plain: {{argv: {argv}, mode: stream}}\n")
    ran = console.run("run", "--agent", "plain", "--prompt", "-", given=prompt)
    assert (ran.returncode, ran.stdout) == (0, b"done\n"), ran.stderr
    got = (console.home / "got").read_bytes()
    assert hashlib.sha256(got).digest() == hashlib.sha256(prompt).digest()


def test_as_an_argument_it_arrives_or_is_refused(console: Console) -> None:
    argv = "[/bin/sh, -c, 'printf %s \"$1\"', sh, '{prompt}']"
    declare(console, f"  plain: {{argv: {argv}, mode: stream}}\n")
    ran = console.run("run", "--agent", "plain", "a $(b) 'c' \"d\"\n\n")
    assert ran.stdout.rstrip(b"\n") == b"a $(b) 'c' \"d\"", ran.stderr
    for prompt, why in ((b"-rf", b"for a flag"), (b"a\0b", b"NUL"), (b"x" * (1 << 20), b"at most")):
        refused = console.run("run", "--agent", "plain", "--prompt", "-", given=prompt)
        assert refused.returncode == 125
        assert why in refused.stderr


@pytest.mark.parametrize(
    ("line", "state", "reason"),
    [
        ("echo done", "completed", None),
        ("true", "failed", "empty"),
        ("echo oh; echo no >&2; exit 3", "failed", "failed"),
    ],
)
def test_of_plain_text_its_exit_tells_how_it_ended(
    console: Console, line: str, state: str, reason: str | None
) -> None:
    declare(console, f"  plain: {{argv: [/bin/sh, -c, '{line}'], mode: stream}}\n")
    console.run("run", "--agent", "plain", "do it")
    task = json.loads(console.say("show", "--json", "last"))
    assert task["state"] == state
    assert (task["reason"] or {}).get("code") == reason


def test_its_keys_are_stored_nowhere(console: Console) -> None:
    argv = "[/bin/sh, -c, 'echo $MINE_API_KEY $MINE_MODEL']"
    declare(console, f"  mine: {{argv: {argv}, mode: stream, env: [MINE_API_KEY, MINE_MODEL]}}\n")
    env = {"MINE_API_KEY": "canary-4711", "MINE_MODEL": "m"}
    ran = console.run("run", "--agent", "mine", "do it", env=env)
    assert ran.stdout == b"canary-4711 m\n"
    assert "canary-4711" not in console.say("show", "--json", "last")


def test_its_own_rules_say_what_its_screen_shows(console: Console) -> None:
    (console.home / "mine.toml").write_text(
        'agent = "mine"\n[[rule]]\nid = "asks"\nkind = "waiting"\n'
        'region = "bottom_lines(5)"\nall = ["Shall"]\n'
        'asks = { kind = "question" }\n'
    )
    argv = "[/bin/sh, -c, 'echo Shall I go on; read -r answer']"
    declare(console, f"  mine: {{argv: {argv}, mode: pty, rules: mine.toml}}\n")
    task = console.say("add", "--agent", "mine", "--prompt", "")

    def state() -> object:
        return json.loads(console.say("show", "--json", task))["state"]

    # No rule for programs in general fits that.
    until(lambda: state() == "waiting", "the rule to be held against its screen")
    assert json.loads(console.say("why", "--json", task))["activity"]["doing"] == "waiting"
    console.say("cancel", task)
    (console.home / "mine.toml").write_text("[[rule]]\nid = 3\n")
    refused = console.run("run", "--agent", "mine", "--prompt", "")
    assert refused.returncode == 125
    assert b"mine.toml" in refused.stderr


def test_no_file_of_a_project_declares_one(console: Console) -> None:
    work = console.home / "project"
    work.mkdir()
    declared = f"providers: {{evil: {{argv: [{PLAYS}], mode: acp}}}}\n"
    for name in ("config.yaml", ".inspan.yaml", "inspan.yaml"):
        (work / name).write_text(declared)
    refused = console.run("run", "--cwd", str(work), "--agent", "evil", "do it")
    assert refused.returncode == 125
    assert b"no provider is called 'evil'" in refused.stderr
    (work / "tasks.yaml").write_text(f"{declared}tasks: [{{agent: evil, prompt: do it}}]\n")
    refused = console.run("run", str(work / "tasks.yaml"))
    assert b"'providers' is not known here" in refused.stderr


def test_one_that_is_declared_no_more_does_not_run_on_unseen(console: Console) -> None:
    declare(
        console, "  plain: {argv: [/bin/sh, -c, 'echo $$ >pid; exec sleep 600'], mode: stream}\n"
    )
    task = console.say("add", "--agent", "plain", "do it")
    until(lambda: (console.home / "pid").exists(), "it to run")
    console.say("down")
    declare(console, "  other: {argv: [x], mode: acp}\n")
    shown = json.loads(console.say("show", "--json", task))
    until(
        lambda: json.loads(console.say("show", "--json", task))["state"] == "interrupted",
        "it to be interrupted",
    )
    shown = json.loads(console.say("show", "--json", task))
    assert shown["reason"]["code"] == "provider-not-found"
