"""``inspan service``: have the system start the daemon, and start it again where it fails."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from inspan.cli import exits, reach
from inspan.cli.parsing import add_json
from inspan.cli.say import clean, json, note, out
from inspan.errors import BadInput, Conflict, Unable

if TYPE_CHECKING:
    from inspan.settings import Places

HELP = """\
Have the system keep the daemon: systemd as a user unit, launchd on macOS. `print` shows the file,
`install` writes it, and with --now starts it in place of a daemon that runs; what runs, runs on.
`uninstall` stops and removes it; `status` says how it stands."""
_PATIENCE: Final = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("install", "uninstall", "status", "print"))
    parser.add_argument("--now", action="store_true", help="with install: start it at once")
    parser.add_argument("--kind", choices=("systemd", "launchd"), help="else that of this system")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    where = reach.places()
    kind = args.kind or ("launchd" if sys.platform == "darwin" else "systemd")
    if args.now and args.what != "install":
        raise BadInput("--now is for install", hint="`inspan service install --now`")
    if args.what == "print":
        text = _text(kind, where)
        json({"kind": kind, "text": text}) if args.json else print(text, end="")
        return exits.DONE
    if args.kind is not None:
        raise BadInput("--kind is for print", hint="`inspan service print --kind launchd`")
    path = _path(kind)
    if args.what == "status":
        return _status(args, kind, path)
    if args.what == "install":
        _install(kind, path, where, now=args.now)
        told = {"path": str(path), "state": _state(kind)}
        text = f"{path} is written; it is {told['state']}"
    else:
        _uninstall(kind, path)
        told = {"path": str(path), "state": "absent"}
        text = f"{path} is removed; what runs, runs on"
    json(told) if args.json else out(clean(text))
    return exits.DONE


def _text(kind: str, where: Places) -> str:
    from inspan.settings import units

    if kind == "launchd":
        return units.launchd(os.environ, str(where.logs / "daemon.log"))
    return units.systemd(os.environ)


def _path(kind: str) -> Path:
    from inspan.settings import units

    if kind == "launchd":
        return Path.home() / "Library" / "LaunchAgents" / f"{units.LABEL}.plist"
    given = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(given) if os.path.isabs(given) else Path.home() / ".config"  # noqa: PTH117 - text that may be empty
    return base / "systemd" / "user" / units.UNIT


def _install(kind: str, path: Path, where: Places, *, now: bool) -> None:
    where.prepare()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(_text(kind, where), encoding="utf-8")
    fresh.replace(path)
    if now and reach.answers(where.daemon_socket):
        from inspan.cli.down import stop_daemon

        stop_daemon(where)
    if kind == "launchd":
        if now:
            _manage("launchctl", "bootstrap", f"gui/{os.getuid()}", str(path), wrote=path)
        return
    _manage("systemctl", "--user", "daemon-reload", wrote=path)
    _manage("systemctl", "--user", "enable", *(["--now"] if now else []), path.name, wrote=path)
    note("it ends with your last login, unless `loginctl enable-linger` keeps your services")


def _uninstall(kind: str, path: Path) -> None:
    if not path.exists():
        raise Conflict(f"there is no {path}", hint="`inspan service status` says how it stands.")
    if kind == "launchd":
        _asked("launchctl", "bootout", f"gui/{os.getuid()}", str(path))
    else:
        _asked("systemctl", "--user", "disable", "--now", path.name)
    path.unlink()
    if kind == "systemd":
        _asked("systemctl", "--user", "daemon-reload")


def _status(args: argparse.Namespace, kind: str, path: Path) -> int:
    told = {"path": str(path), "state": _state(kind) if path.exists() else "absent"}
    if args.json:
        json(told)
    else:
        out(clean(f"{path}: {told['state']}"))
    return exits.DONE if told["state"] in ("active", "loaded") else exits.FAILED


def _state(kind: str) -> str:
    """In the service manager's own word."""
    from inspan.settings import units

    if kind == "launchd":
        found = _asked("launchctl", "print", f"gui/{os.getuid()}/{units.LABEL}")
        return "loaded" if found is not None and found.returncode == 0 else "not loaded"
    found = _asked("systemctl", "--user", "is-active", units.UNIT)
    return "unknown: no systemctl" if found is None else (found.stdout.strip() or "unknown")


def _manage(*command: str, wrote: Path) -> None:
    found = _asked(*command)
    if found is None or found.returncode:
        said = "it is not there" if found is None else (found.stderr or found.stdout).strip()
        raise Unable(
            f"{wrote} is written, and `{' '.join(command)}` failed: {said}",
            hint="Run it where your own service manager is: after a login, not by su or sudo.",
        )


def _asked(*command: str) -> subprocess.CompletedProcess[str] | None:
    """``None`` where there is no such program."""
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except FileNotFoundError:
        return None
    except subprocess.TimeoutExpired as error:
        raise Unable(f"`{' '.join(command)}` has not answered in {_PATIENCE:.0f} s") from error
