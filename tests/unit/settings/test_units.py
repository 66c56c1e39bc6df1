"""What service managers are told, read by their own rules."""

from __future__ import annotations

import configparser
import plistlib
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from inspan.settings.units import launchd, systemd

pytestmark = pytest.mark.requirement("C9")

ENV = {"INSPAN_HOME": '/home/me/50% "mine"\\$x', "PATH": "/bin", "XDG_STATE_HOME": ""}


def parsed(text: str) -> configparser.RawConfigParser:
    unit = configparser.RawConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # as its documentation has it
    unit.read_string(text)
    return unit


def test_the_unit_leaves_the_keeper_and_what_runs_alone() -> None:
    service = parsed(systemd(ENV))["Service"]
    assert service["KillMode"] == "process"
    assert service["Delegate"] == "yes"
    assert service["OOMPolicy"] == "continue"
    assert (service["Type"], service["Restart"]) == ("notify", "on-failure")
    assert int(service["WatchdogSec"]) >= 10


def test_the_words_of_the_unit_are_what_was_meant() -> None:
    service = parsed(systemd(ENV, "/opt/a b/python%"))["Service"]
    command = shlex.split(service["ExecStart"])
    assert [word.replace("%%", "%").replace("$$", "$") for word in command] == [
        *("/opt/a b/python%", "-P", "-m", "inspan.daemon")
    ]
    (given,) = shlex.split(service["Environment"])
    assert given.replace("%%", "%") == f"INSPAN_HOME={ENV['INSPAN_HOME']}"
    assert "Environment" not in parsed(systemd({"PATH": "/bin"}))["Service"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_itself_has_nothing_to_say_against_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "inspan.service"

    def verified(text: str) -> tuple[int, str]:
        unit.write_text(text)
        ran = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", unit],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={"PATH": "/usr/bin:/bin", "SYSTEMD_LOG_TARGET": "console"},
        )
        # It speaks of other units of this machine, too.
        told = [line for line in ran.stderr.splitlines() if "inspan.service" in line]
        return ran.returncode, "\n".join(told)

    assert verified(systemd(ENV, sys.executable)) == (0, "")
    broken = verified(systemd({}).replace("OOMPolicy=continue", "OOMPolicy=nonsense"))
    assert "OOM policy" in broken[1]


def test_the_agent_of_launchd_leaves_what_runs_alone() -> None:
    told = plistlib.loads(launchd(ENV, "/logs/d.log", "/opt/python").encode())
    assert told["ProgramArguments"] == ["/opt/python", "-P", "-m", "inspan.daemon"]
    assert told["EnvironmentVariables"] == {"INSPAN_HOME": ENV["INSPAN_HOME"]}
    assert told["AbandonProcessGroup"] is True
    assert told["KeepAlive"] == {"SuccessfulExit": False}
    assert told["StandardErrorPath"] == "/logs/d.log"
