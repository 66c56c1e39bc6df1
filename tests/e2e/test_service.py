"""The daemon under a service manager: what it tells it, and that what runs outlives a restart."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real.console import Console
from tests.real.daemon import Daemon, alive, until

pytestmark = [pytest.mark.requirement("C9"), pytest.mark.timeout(120)]


def _heard(manager: socket.socket, wanted: str) -> None:
    manager.settimeout(60)
    while manager.recv(1000).decode() != wanted:
        pass


def test_it_says_when_it_is_ready_alive_and_stopping_and_what_runs_goes_on() -> None:
    daemon = Daemon()
    path = daemon.home / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        daemon.env |= {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "200000"}
        with daemon:
            _heard(manager, "READY=1")
            _heard(manager, "WATCHDOG=1")
            _heard(manager, "WATCHDOG=1")
            with daemon.control() as control:
                task = control.submit(daemon.spec("sh", "-c", "echo $NOTIFY_SOCKET.; sleep 60")).id
                until(lambda: control.get(task).pid, "a process")
                pid = control.get(task).pid
            assert pid is not None
            until(lambda: daemon.output(task), "its first words")
            assert daemon.output(task) == b".\r\n"
            # KillMode=process: the daemon alone is told to stop.
            assert daemon.process is not None
            daemon.process.send_signal(signal.SIGTERM)
            _heard(manager, "STOPPING=1")
            assert daemon.process.wait(60) == 0
            assert alive(pid)
            daemon.start()
            _heard(manager, "READY=1")
            with daemon.control() as control:
                assert control.get(task).pid == pid
                control.interrupt(task, force=True)


def test_a_daemon_that_cannot_start_says_so_by_its_status() -> None:
    with Daemon() as daemon, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        path = daemon.home / "notify"
        manager.bind(str(path))
        second = subprocess.run(
            [sys.executable, "-m", "inspan.daemon"],
            env={**daemon.env, "NOTIFY_SOCKET": str(path)},
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert second.returncode == 1
        assert manager.recv(1000) == b"STATUS=store-locked"


SYSTEMCTL = """\
#!/bin/sh
echo "$@" >> "$HOME/asked"
case "$*" in
*is-active*) cat "$HOME/state" 2>/dev/null || { echo inactive; exit 3; } ;;
*--now*inspan.service)
    [ ! -e "$HOME/refuse" ] || { echo "no bus" >&2; exit 1; }
    echo active > "$HOME/state" ;;
esac
"""


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_it_is_installed_asked_and_removed() -> None:
    with Console() as console:
        bin_folder = console.home / "bin"
        bin_folder.mkdir()
        (bin_folder / "systemctl").write_text(SYSTEMCTL)
        (bin_folder / "systemctl").chmod(0o755)
        console.env["PATH"] = f"{bin_folder}:{console.env['PATH']}"
        unit = console.home / ".config" / "systemd" / "user" / "inspan.service"
        assert console.run("service", "uninstall").returncode == 2
        assert console.run("service", "status").returncode == 1
        console.say("up")
        told = json.loads(console.say("service", "install", "--now", "--json"))
        assert told == {"path": str(unit), "state": "active"}
        assert unit.read_text() == console.run("service", "print").stdout.decode()
        assert f"INSPAN_HOME={console.home}" in unit.read_text()
        assert console.run("status").returncode == 1  # the daemon of before made room
        assert console.run("service", "status").returncode == 0
        console.say("service", "uninstall")
        assert not unit.exists()
        asked = (console.home / "asked").read_text().splitlines()
        assert "--user daemon-reload" in asked
        assert "--user enable --now inspan.service" in asked
        assert "--user disable --now inspan.service" in asked
        (console.home / "refuse").touch()
        refused = console.run("service", "install", "--now")
        assert (refused.returncode, b"no bus" in refused.stderr) == (1, True)
        assert stat.S_ISREG(unit.stat().st_mode)
        assert console.run("service", "status", "--now").returncode == 2
        assert b"<plist" in console.run("service", "print", "--kind", "launchd").stdout


def test_the_daemons_log_makes_room_for_itself_while_it_runs() -> None:
    with Console() as console:
        console.say("up")
        told = json.loads(console.say("status", "--json"))
        log = Path(told["logs"]) / "daemon.log"
        until(log.exists, "a log")
        os.truncate(log, 5 << 20)
        os.kill(told["daemon"]["pid"], signal.SIGTERM)  # it says that it stops
        until(lambda: not alive(told["daemon"]["pid"]), "its end")
        assert log.with_name("daemon.log.1").stat().st_size == 5 << 20
        assert b"stop" in log.read_bytes()
        assert log.stat().st_size < 1 << 20
