"""Messages to programs of this machine, real ones."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from inspan.errors import Unable
from inspan.model.notice import Command, Desktop, Target
from inspan.notices import programs
from inspan.notices.programs import desktop
from inspan.notices.reaching import Way
from inspan.notices.ways import way_of
from inspan.notices.wording import message
from inspan.providers.web import HttpWeb
from tests.fakes.clock import FakeClock
from tests.real.daemon import alive, until
from tests.unit.notices.test_wording import one

pytestmark = pytest.mark.anyio
SAID = message("t", [one(7)])


def program(folder: Path, name: str, text: str) -> str:
    """A script that can be run."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def way(how: Desktop | Command, env: dict[str, str]) -> Way:
    target = Target(name="t", way=how)
    return way_of(target, web=HttpWeb(), clock=FakeClock(), look_up=lambda _: "", env=env)


async def test_a_program_gets_facts_and_tasks_and_no_other_environment(tmp_path: Path) -> None:
    argv = (program(tmp_path, "tell", f'cat > {tmp_path}/facts; env > "{tmp_path}/$1"'), "e n'v")
    await way(Command(argv=argv), {"PATH": os.environ["PATH"]}).deliver(SAID)
    assert json.loads((tmp_path / "facts").read_text())["tasks"][0]["id"] == "id7"
    env = dict(line.split("=", 1) for line in (tmp_path / "e n'v").read_text().splitlines())
    assert env.keys() - {"PWD", "SHLVL", "_", "OLDPWD"} == {"PATH", "INSPAN_TASK", "INSPAN_NOTICE"}
    assert env["INSPAN_TASK"] == "id7"
    assert env["INSPAN_NOTICE"] == "task-7 asks"


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("exit 3", "tell ended with status 3"),
        ("printf 'no \\033[2Jway\\n' >&2; exit 1", "tell ended with status 1: no way"),
    ],
)
async def test_a_program_that_fails_says_why(tmp_path: Path, script: str, says: str) -> None:
    with pytest.raises(Unable) as caught:
        await way(Command(argv=(program(tmp_path, "tell", script),)), {}).deliver(SAID)
    assert caught.value.message == says


async def test_a_program_that_is_not_there_is_told_of() -> None:
    with pytest.raises(Unable, match="nowhere cannot be started: No such file"):
        await way(Command(argv=("/nowhere",)), {}).deliver(SAID)


async def test_one_that_does_not_end_is_killed_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "PATIENCE", 0.5)
    script = f"sleep 60 & echo $! > {tmp_path}/pid; wait"
    env = {"PATH": os.environ["PATH"]}
    with pytest.raises(Unable, match=r"has not ended within 0\.5 s, and was killed"):
        await way(Command(argv=(program(tmp_path, "tell", script),)), env).deliver(SAID)
    pid = int((tmp_path / "pid").read_text())
    until(lambda: not alive(pid), "its child to end")


async def test_one_that_leaves_a_child_behind_is_not_waited_for(tmp_path: Path) -> None:
    script = f"sleep 60 & echo $! > {tmp_path}/pid"
    env = {"PATH": os.environ["PATH"]}
    await way(Command(argv=(program(tmp_path, "tell", script),)), env).deliver(SAID)
    pid = int((tmp_path / "pid").read_text())
    until(lambda: not alive(pid), "its child to end")


async def test_a_program_that_does_not_read_is_no_trouble(tmp_path: Path) -> None:
    many = message("t", [one(number) for number in range(20)])
    await way(Command(argv=(program(tmp_path, "tell", "exit 0"),)), {}).deliver(many)


async def test_a_desktop_is_shown_text_as_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    program(tmp_path, "notify-send", f"printf '%s\\n' \"$@\" > {tmp_path}/said")
    named = one(7)
    hostile = type(named)(
        named.kind, named.task, "-u $(id)", named.role, named.state, "<b>a & b</b> `id`", 7, 1e9
    )
    env = {"PATH": str(tmp_path)}
    await way(Desktop(), env).deliver(message("t", [hostile]))
    said = (tmp_path / "said").read_text().splitlines()
    assert said == [
        "--app-name=inspan",
        "--",
        "-u $(id) asks",
        "&lt;b&gt;a &amp; b&lt;/b&gt; `id`",
    ]


def test_a_mac_has_a_program_of_its_own(tmp_path: Path) -> None:
    found = program(tmp_path, "osascript", "exit 0")
    words = desktop({"PATH": str(tmp_path)}, "darwin")
    assert words[0] == found
    # The words are arguments of the script, and no part of it.
    assert words[-1] == "--"
    assert "item 1 of argv" in words[4]


def test_a_desktop_that_shows_nothing_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(Unable, match="notify-send is not here") as caught:
        desktop({"PATH": str(tmp_path)}, "linux")
    assert "libnotify-bin" in caught.value.hint
