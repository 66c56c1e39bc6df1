"""What a service manager has to be told to keep the daemon: a systemd unit, a launchd agent.

Text from values; it writes no file and asks nobody. The daemon alone is stopped and started: the
keeper, and all that runs under it, has to outlive it (docs/operations.md).
"""

from __future__ import annotations

import plistlib
import sys
from collections.abc import Mapping
from typing import Final

UNIT: Final = "inspan.service"
LABEL: Final = "dev.inspan.daemon"
#: What decides where inspan's state, settings and sockets are.
_NAMES: Final = ("INSPAN_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME")
_COMMAND: Final = ("-P", "-m", "inspan.daemon")

_UNIT: Final = """\
[Unit]
Description=inspan, which runs and supervises command-line agents
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
{environment}\
# The daemon alone: the keeper in this control group, and what runs under it, go on.
KillMode=process
# The keeper makes a control group below this one for each session.
Delegate=yes
# An agent that the kernel ends for its memory is that task's failure, and not the daemon's.
OOMPolicy=continue
Restart=on-failure
RestartSec=1
# An upgrade of a large database, and taking up what runs, take their time.
TimeoutStartSec=300
TimeoutStopSec=30
# A daemon whose event loop hangs is replaced.
WatchdogSec=60
UMask=0077

[Install]
WantedBy=default.target
"""


def systemd(env: Mapping[str, str], python: str = sys.executable) -> str:
    """The user unit of a daemon with this environment."""
    given = [f"{name}={env[name]}" for name in _NAMES if env.get(name)]
    return _UNIT.format(
        command=" ".join(map(_command_word, (python, *_COMMAND))),
        environment="".join(f"Environment={_word(item)}\n" for item in given),
    )


def launchd(env: Mapping[str, str], log: str, python: str = sys.executable) -> str:
    """The agent of launchd, for macOS."""
    told = {
        "Label": LABEL,
        "ProgramArguments": [python, *_COMMAND],
        "EnvironmentVariables": {name: env[name] for name in _NAMES if env.get(name)},
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 5,
        # The keeper is in a group of its own; nothing that the daemon left behind is to be killed.
        "AbandonProcessGroup": True,
        "Umask": 0o077,
        "StandardErrorPath": log,
    }
    return plistlib.dumps(told).decode()


def _word(text: str) -> str:
    """One word of a unit file: ``%`` begins a specifier there, and quotes keep blanks."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{plain}"'.replace("%", "%%")


def _command_word(text: str) -> str:
    """One word of a command line, where ``$`` begins a variable."""
    return _word(text).replace("$", "$$")
