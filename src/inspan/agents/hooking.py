"""The hooks that an agent is told to run, so that it tells what it does on its own terminal.

A hook has no terminal of its own, but its parent, the agent, writes to one; what is written there
is read where the rest of it is read, and is in the recording. It reads nothing of what the agent
tells it, says nothing to the agent, and never fails.
"""

from __future__ import annotations

import json
from typing import Any, Final

from inspan.model.hook import Hook

#: Where the agent's output goes: by the process, or by the name of its terminal. Only what is a
#: terminal is written to, since what comes by a pipe would be the hook's answer.
_LINE: Final = (
    "t=/proc/$PPID/fd/1; [ -e $t ] || t=/dev/$(ps -o tty= -p $PPID);"
    " {{ [ -t 3 ] && printf '\\033]{}\\033\\\\' >&3; }} 2>/dev/null 3>>$t || :"
)


def line(hook: Hook) -> str:
    """The line of shell that says it."""
    return _LINE.format(hook)


def settings(*hooks: Hook, **matched: Hook) -> str:
    """Settings with a hook for each event; the names of ``matched`` are what it has to match."""
    told: dict[str, list[dict[str, Any]]] = {}
    for matcher, hook in (*((None, hook) for hook in hooks), *matched.items()):
        entry: dict[str, Any] = {"hooks": [{"type": "command", "command": line(hook)}]}
        told.setdefault(hook.event, []).append(
            entry if matcher is None else {"matcher": matcher, **entry}
        )
    return json.dumps({"hooks": told})
