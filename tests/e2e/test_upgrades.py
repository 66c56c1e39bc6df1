"""Upgrades, backups and the ways back, as a person does them with the real command."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from inspan.keeper import wire
from inspan.settings.values import load
from inspan.store.migrate import newest
from tests.golden.db.make import FOLDER
from tests.real.console import Console
from tests.real.daemon import alive, until

pytestmark = [pytest.mark.requirement("E5"), pytest.mark.timeout(120)]


def _check(console: Console, status: int = 0) -> dict[str, Any]:
    ran = console.run("upgrade", "--check", "--json")
    assert ran.returncode == status, ran
    told: dict[str, Any] = json.loads(ran.stdout)
    assert told["ok"] is (status == 0)
    return told


def _levels(told: dict[str, Any]) -> dict[str, str]:
    return {finding["name"]: finding["level"] for finding in told["findings"]}


@pytest.mark.parametrize("version", range(1, newest()))
def test_an_older_state_is_rehearsed_and_not_touched(version: int) -> None:
    with Console() as console:
        console.home.chmod(0o700)
        shutil.copy(FOLDER / f"v{version}.db", console.home / "inspan.db")
        before = {path.name: path.read_bytes() for path in console.home.iterdir()}
        told = _check(console)
        assert {*_levels(told).values()} == {"ok"}
        assert {"version", "settings", "upgrade", "way back", "again"} <= _levels(told).keys()
        assert (told["database"]["before"], told["database"]["after"]) == (version, newest())
        assert told["upgraded"] is False
        assert 0 < told["disk"]["needed"] < told["disk"]["free"]
        after = {path.name: path.read_bytes() for path in console.home.iterdir()}
        after.pop("inspan.lock")
        assert after == before


def test_settings_of_an_older_form_are_rehearsed_upgraded_and_brought_back() -> None:
    old = b"roles: {worker: 2}\nlimits:\n  deadline: 7m  # mine\n"
    with Console() as console:
        config, timeouts = console.home / "config.yaml", console.home / "timeouts.yaml"
        config.write_bytes(old)
        refused = console.run("up")
        assert b"`inspan upgrade` moves them" in refused.stderr
        (found,) = (one for one in _check(console)["findings"] if one["name"] == "settings")
        assert (found["level"], "back to the same bytes" in found["message"]) == ("ok", True)
        assert (config.read_bytes(), timeouts.exists()) == (old, False)
        console.say("upgrade")
        assert load(config).timeouts.command == 420
        console.say("upgrade", "--settings-back")
        assert (config.read_bytes(), timeouts.exists()) == (old, False)
        console.say("upgrade")  # and forward again


def test_what_keeps_an_upgrade_from_being_done_is_said_and_nothing_is_done() -> None:
    with Console() as console:
        shutil.copy(FOLDER / "v1.db", console.home / "inspan.db")
        with closing(sqlite3.connect(console.home / "inspan.db")) as connection:
            connection.execute("UPDATE tasks SET tail = 'x' WHERE number = 1")
            connection.commit()
        (console.home / "config.yaml").write_text("rolls: {}\n")
        before = (console.home / "inspan.db").read_bytes()
        levels = _levels(_check(console, status=1))
        assert (levels["settings"], levels["timeouts"], levels["database"]) == (
            "fail",
            "ok",
            "fail",
        )
        ran = console.run("upgrade")
        assert (ran.returncode, b"nothing was changed" in ran.stdout) == (1, True)
        assert (console.home / "inspan.db").read_bytes() == before
        assert console.run("status").returncode == 1  # no daemon was started


def test_beside_a_daemon_at_work_it_says_that_agents_run_on_and_they_do() -> None:
    with Console() as console:
        task = console.say("add", "--", "sleep", "60")
        until(lambda: json.loads(console.say("show", task, "--json"))["pid"], "a process")
        pid = json.loads(console.say("show", task, "--json"))["pid"]
        told = _check(console)
        assert told["keeper"]["runs_on"] is True
        assert (told["keeper"]["wire"], told["keeper"]["sessions"]) == (wire.VERSION, 1)
        assert told["database"]["live"] is True
        assert told["database"]["tasks"] == 1
        before = json.loads(console.say("status", "--json"))["daemon"]["pid"]
        done = json.loads(console.run("upgrade", "--json").stdout)
        assert done["upgraded"] is True
        assert done["daemon"]["pid"] != before
        assert alive(pid)
        assert json.loads(console.say("show", task, "--json"))["state"] == "running"


def test_a_keeper_of_another_wire_is_told_before_anything_is_stopped() -> None:
    with Console() as console:
        console.say("up")
        card = console.home / "keeper.json"
        told = json.loads(card.read_bytes())
        real = card.read_bytes()
        card.write_text(json.dumps({**told, "version": wire.VERSION + 1}))
        try:
            found = _check(console, status=1)
        finally:
            card.write_bytes(real)
        assert found["keeper"]["runs_on"] is False
        hints = [each["hint"] for each in found["findings"] if each["name"] == "keeper"]
        assert "inspan down --keeper" in hints[0]


def test_a_backup_is_restored_and_nothing_is_lost() -> None:
    with Console() as console:
        console.say("run", "--name", "first", "--", "true")
        copy = str(console.home / "copy.db")
        console.say("db", "backup", copy)  # beside the daemon
        console.say("run", "--name", "second", "--", "true")
        beside = console.run("db", "restore", copy)
        assert (beside.returncode, b"inspan down" in beside.stderr) == (1, True)
        task = console.say("add", "--", "sleep", "60")
        until(lambda: json.loads(console.say("show", task, "--json"))["pid"], "a process")
        console.say("down")
        busy = console.run("db", "restore", copy)
        assert (busy.returncode, b"still run" in busy.stderr) == (2, True)
        console.say("down", "--keeper", "--force")
        told = json.loads(console.say("db", "restore", copy, "--json"))
        assert (told["tasks"], told["problems"]) == (1, [])
        assert [task["name"] for task in _all(console)] == ["first"]
        console.say("down", "--keeper")
        # The database of before was kept, and is a backup too.
        console.say("db", "restore", told["aside"])
        assert {task["name"] for task in _all(console)} >= {"first", "second"}
        console.say("down", "--keeper")
        (console.home / "copy.db").write_bytes(b"nonsense" * 999)
        refused = console.run("db", "restore", copy)
        assert (refused.returncode, b"hint: " in refused.stderr) == (1, True)
        assert {task["name"] for task in _all(console)} >= {"first", "second"}


def _all(console: Console) -> list[dict[str, Any]]:
    page = json.loads(console.say("ls", "--all", "--json"))
    return [{**task, "name": task["spec"]["name"]} for task in page["tasks"]]
