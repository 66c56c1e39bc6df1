"""Notices from a real daemon: to a server of this machine, a program, and a desktop of scripts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspan.client.sync import SyncControl
from inspan.model.task import TaskState
from tests.real.daemon import Daemon, until
from tests.real.hooks import Hooks, serving

pytestmark = pytest.mark.timeout(120)

#: A question on a terminal, in the way that inspan knows as one.
ASKS = "printf '\\033]7770;waiting;question;Which one?\\a'; read x"


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with serving() as served:
        yield served


def telling(*lines: str) -> Daemon:
    return Daemon("roles: {default: 20}\nnotify:\n" + "".join(f"  {line}\n" for line in lines))


def fail(control: SyncControl, daemon: Daemon, *names: str) -> list[str]:
    """Tasks of these names that fail; their ids."""
    specs = [daemon.spec("sh", "-c", "exit 3", name=name) for name in names]
    ids = [task.id for task in control.submit_all(specs)]
    for task in ids:
        assert control.wait(task, 30).state is TaskState.FAILED
    return ids


def inspan(daemon: Daemon, *words: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "inspan.cli.main", *words],
        env={**daemon.env, **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_failures_are_told_together_once_and_not_again_after_a_kill(hooks: Hooks) -> None:
    target = f"hook: {{webhook: '{hooks.url}', gather: 1s, every: 1s, secret: 'env:HOOK_KEY'}}"
    daemon = telling(target)
    daemon.env["HOOK_KEY"] = "k"
    with daemon:
        with daemon.control() as control:
            ids = fail(control, daemon, *(f"task-{number}" for number in range(30)))
            until(lambda: len(hooks.tasks()) >= 20, "a notice")
            # More than are listed one by one.
            assert sum(came.facts["count"] for came in hooks.came) == 30
            assert set(hooks.tasks()) <= set(ids)
            assert len(hooks.came) <= 5
            assert all(came.headers["webhook-signature"].startswith("v1,") for came in hooks.came)
        daemon.kill()
        daemon.start()
        with daemon.control() as control:
            late = fail(control, daemon, "late")
            until(lambda: late[0] in hooks.tasks(), "the next notice")
            assert hooks.titles()[-1] == "late has failed"
            assert sum(came.facts["count"] for came in hooks.came) == 31
            assert control.health().warnings == ()


def test_a_question_is_told_and_nothing_of_the_environment_goes_along(
    hooks: Hooks, tmp_path: Path
) -> None:
    facts = tmp_path / "facts"
    told = f"cat > {facts}.new; mv {facts}.new {facts}"
    with (
        telling(
            f"hook: {{webhook: '{hooks.url}', gather: 100ms}}",
            f"mine: {{command: [sh, -c, '{told}'], gather: 100ms}}",
        ) as daemon,
        daemon.control() as control,
    ):
        spec = daemon.spec("sh", "-c", ASKS, name="asker")
        spec.env["MY_TOKEN"] = "hush-hush"
        task = control.submit(spec)
        until(lambda: hooks.came and facts.exists(), "the notices")
        (came,) = hooks.came
        assert came.facts["title"] == "asker asks"
        assert came.facts["text"] == "Which one?"
        assert json.loads(facts.read_text())["tasks"] == came.facts["tasks"]
        assert b"hush" not in came.body
        control.answer(task.id, "this")
        assert control.wait(task.id, 30).state is TaskState.COMPLETED
    assert len(hooks.came) == 1


def test_a_desktop_shows_it(tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    name = "osascript" if sys.platform == "darwin" else "notify-send"
    script = tmp_path / name
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {shown}.new; mv {shown}.new {shown}\n')
    script.chmod(0o700)
    daemon = telling("desk: {desktop: true, gather: 100ms}")
    daemon.env["PATH"] = f"{tmp_path}:{os.environ['PATH']}"
    with daemon, daemon.control() as control:
        fail(control, daemon, "build")
        until(shown.exists, "a notice")
        assert "build has failed" in shown.read_text().splitlines()


def test_one_that_cannot_be_told_is_told_of(hooks: Hooks) -> None:
    hooks.answers = [(404, {})] * 9
    with telling(f"hook: {{webhook: '{hooks.url}?key=hush', gather: 100ms}}") as daemon:
        with daemon.control() as control:
            fail(control, daemon, "build")
            until(lambda: control.health().warnings, "a warning")
            (warning,) = control.health().warnings
        assert warning == f"notify: hook was not told: http://127.0.0.1:{hooks.port} answers 404"
        assert warning in inspan(daemon, "status")[1]
        assert warning in inspan(daemon, "doctor")[1]
        status, told = inspan(daemon, "notify", "ls")
        assert status == 1
        assert "answers 404" in told
        assert "hush" not in told + (daemon.home / "daemon.log").read_text()


def test_a_trial_says_what_happened(hooks: Hooks, tmp_path: Path) -> None:
    daemon = telling(
        f"hook: {{webhook: 'file:{tmp_path}/url', secret: 'env:HOOK_KEY'}}",
        "mine: {command: [sh, -c, 'exit 4']}",
    )
    (tmp_path / "url").write_text(f"{hooks.url}\n")
    key = {"HOOK_KEY": "whsec_AAAA"}
    try:
        assert inspan(daemon, "notify", "test", "hook", env=key) == (0, "hook: told\n")
        (came,) = hooks.came
        assert came.facts["type"] == "inspan.test"
        assert "webhook-signature" in came.headers
        status, told = inspan(daemon, "notify", "test", "--json")
        assert status == 1
        assert json.loads(told)["tests"] == [
            {
                "target": "hook",
                "arrived": False,
                "why": "There is nothing behind the secret env:HOOK_KEY.",
            },
            {"target": "mine", "arrived": False, "why": "sh ended with status 4"},
        ]
        assert inspan(daemon, "notify", "test", "nobody")[0] == 2
        status, told = inspan(daemon, "notify", "ls")
        assert status == 0
        assert [line.split()[:2] for line in told.splitlines()[1:]] == [
            ["hook", "webhook"],
            ["mine", "command"],
        ]
    finally:
        daemon.__exit__(None, None, None)


def test_a_mistake_keeps_the_daemon_from_starting_and_is_told() -> None:
    daemon = telling("hook: {webhook: 'http://hooks.example/'}")
    try:
        status, told = inspan(daemon, "up")
        assert status == 1
        assert "config.yaml:3" in told
        assert "https://" in told
    finally:
        daemon.__exit__(None, None, None)
