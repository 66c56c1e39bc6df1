"""Programs that wait for a file, and families that do not want to die with their task."""

from __future__ import annotations

from pathlib import Path

#: Leaves a mark of its start in ``$1.began``, and ends once the file ``$1`` is there.
_GATE = 'echo $$ >>"$1.began"; until test -e "$1"; do sleep 0.02; done'

#: Each member heeds no signal, writes its pid to ``$1``, and does its best to be left behind: by
#: a session of its own, without the hang-up, forked twice by parents that leave, and without
#: the terminal, the session, the parent and the environment of its task at once.
_FAMILY = r"""
stay='trap "" INT TERM HUP; echo $$ >>"$0"; while :; do sleep 30; done'
sh -c "$stay" "$1" &
setsid sh -c "$stay" "$1" &
nohup sh -c "$stay" "$1" >/dev/null 2>&1 &
(setsid sh -c "sh -c '$stay' \"$1\" & exit 0" &)
(env -i "PATH=$PATH" setsid sh -c "$stay" "$1" </dev/null >/dev/null 2>&1 &)
trap "" INT TERM HUP
echo $$ >>"$1"
while :; do sleep 30; done
"""
MEMBERS = 6


def gate(path: Path) -> tuple[str, ...]:
    """A command that ends once ``path`` is there."""
    return ("sh", "-c", _GATE, "sh", str(path))


def family(path: Path) -> tuple[str, ...]:
    """``MEMBERS`` processes that write their pids to ``path`` and heed no polite signal."""
    return ("sh", "-c", _FAMILY, "sh", str(path))


def pids(path: Path) -> list[int]:
    """The pids that were written to ``path`` so far."""
    return [int(word) for word in path.read_text().split()] if path.exists() else []
