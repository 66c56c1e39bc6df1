"""Agents of other packages: the example of the documentation, and some that are broken."""

from __future__ import annotations

import json
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.console import Console

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("C5", "A2")]

EXAMPLE = Path(__file__).parents[2] / "examples" / "agent-package"
BROKEN = """\
from inspan_parrot import Parrot, ParrotTalk

class Hoarse(ParrotTalk):
    def heard(self, line):
        raise ValueError("croak")

class Late(Parrot):
    name = "late"
    def talk(self, turn):
        return Hoarse(turn)

class Nameless(Parrot):
    name = 3

class Moody(Parrot):
    name = "moody"
    def check(self, turn):
        1 / 0
"""


class Site:
    """A folder of packages as an installer leaves it, beside the one with inspan."""

    def __init__(self, console: Console) -> None:
        self.folder = console.home / "site"
        self.folder.mkdir()
        (console.home / "bin").mkdir()
        path = f"{console.home / 'bin'}:{console.env['PATH']}"
        console.env |= {"PYTHONPATH": str(self.folder), "PATH": path}
        self._bin = console.home / "bin"

    def install(self, name: str, agents: dict[str, str]) -> None:
        about = self.folder / f"{name.replace('-', '_')}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        points = "".join(f"{agent} = {where}\n" for agent, where in agents.items())
        (about / "entry_points.txt").write_text(f"[inspan.agents]\n{points}")

    def install_the_example(self) -> None:
        project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
        shutil.copytree(EXAMPLE / "src", self.folder, dirs_exist_ok=True)
        self.install(project["name"], project["entry-points"]["inspan.agents"])
        program = self.folder / "inspan_parrot" / "program.py"
        (self._bin / "parrot").write_text(f"#!/bin/sh\nexec {sys.executable} {program}\n")
        (self._bin / "parrot").chmod(0o755)


@pytest.fixture
def console() -> Iterator[Console]:
    with Console("roles: {default: 8}\n") as console:
        yield console


def test_the_example_is_an_agent_once_it_is_installed(console: Console) -> None:
    site = Site(console)
    console.say("run", "--", "true")
    assert console.run("run", "--agent", "parrot", "hello").returncode == 125
    site.install_the_example()
    ran = console.run("run", "--agent", "parrot", "-rf 'ü'")  # by the daemon that ran before
    assert (ran.returncode, ran.stdout) == (0, "-rf 'ü'\n".encode()), ran.stderr
    told = {agent["name"]: agent for agent in json.loads(console.say("agents", "--json"))}
    assert told["parrot"]["source"] == "inspan-parrot 1.0"
    assert "parrot" in console.say("doctor")
    # A command that has nothing to do with it loads nothing of it.
    (site.folder / "inspan_parrot" / "__init__.py").write_text("raise SystemExit('loaded')\n")
    console.say("run", "--", "true")
    console.say("ls")


def test_what_is_broken_is_named_and_harms_nobody_else(console: Console) -> None:
    site = Site(console)
    site.install_the_example()
    (site.folder / "broken.py").write_text(BROKEN)
    (site.folder / "raises.py").write_text("raise RuntimeError('no such luck')\n")
    site.install(
        "inspan-broken",
        {
            "gone": "nowhere:Agent",
            "raises": "raises:Agent",
            "nameless": "broken:Nameless",
            "late": "broken:Late",
            "moody": "broken:Moody",
        },
    )
    site.install("inspan-twin", {"twin": "inspan_parrot:Parrot"})
    site.install("inspan-other-twin", {"twin": "inspan_parrot:Parrot"})
    for name, why in (
        ("gone", "ModuleNotFoundError"),
        ("raises", "no such luck"),
        ("nameless", "its `name` is no text"),
        ("moody", "ZeroDivisionError"),
    ):
        refused = console.run("run", "--agent", name, "hello")
        assert refused.returncode == 125
        assert why in refused.stderr.decode()
        assert "inspan-broken 1.0" in refused.stderr.decode()
    refused = console.run("run", "--agent", "twin", "hello")
    assert "inspan-other-twin 1.0, inspan-twin 1.0" in refused.stderr.decode()
    # One that breaks while it is read ends its own task, and its process.
    console.run("run", "--agent", "late", "hello")
    task = json.loads(console.say("show", "--json", "last"))
    assert task["state"] == "failed"
    assert "croak" in task["reason"]["message"]
    assert "inspan-broken 1.0" in task["reason"]["message"]
    told = {agent["name"]: agent for agent in json.loads(console.say("agents", "--json"))}
    assert "no such luck" in told["raises"]["trouble"]
    assert not told["parrot"]["trouble"]
    assert "inspan-broken 1.0" in console.run("doctor").stdout.decode()
    assert console.run("run", "--agent", "parrot", "hello").stdout == b"hello\n"
