"""What a code session is granted, as its host decides it and hands it to the worker.

The worker confines itself, before any code runs, and reports at ``ready`` how far it could. What is
granted beyond a folder of the session's own is ``model.code.Grants``; its working directory it may
read, unless that would show a person's whole home. The worker adds what its Python needs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from inspan.errors import BadInput, NotConfined
from inspan.kernel.host.output import FILES
from inspan.kernel.protocol import Confined
from inspan.kernel.worker.boot import CHECKPOINTS, CONFINEMENT_VARIABLE, HOME, TEMPORARY
from inspan.model.code import CodeLimits, Grants, Sandbox

#: How a person asks for each grant: on the command line, as an argument of a call, or, of a session
#: that is open longer than either, by another opening.
_SAY: Final[dict[str, dict[str, str]]] = {
    "command": {
        "read": "`inspan py --read {}`",
        "write": "`inspan py --write {}`",
        **{name: f"`inspan py --{name}`" for name in ("net", "memory", "files")},
    },
    "call": {
        "read": "`read=[{!r}]`",
        "write": "`write=[{!r}]`",
        "net": "`net=True`",
        **{name: f"`{name}=`" for name in ("memory", "files")},
    },
    "opening": {
        "read": "opening it with `--read {}`",
        "write": "opening it with `--write {}`",
        **{name: f"opening it with `--{name}`" for name in ("net", "memory", "files")},
    },
}
#: The part of the machine's memory that one process of a session may have if nothing else is said.
_SHARE: Final = 0.5
#: Bytes and seconds: the system counts them in 64 bits, and some seconds are added to them.
_MOST: Final = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """What one session is confined to."""

    grants: Grants = field(default_factory=Grants)
    limits: CodeLimits = field(default_factory=CodeLimits)
    #: Folders of ours, shown to no session but for what of them is its own.
    hidden: tuple[Path, ...] = ()
    #: Where a person's own things are; it is shown only where it is granted by name.
    private: tuple[Path, ...] = ()
    #: How the session says what would grant what it was denied.
    asked_by: Literal["command", "call", "opening"] = "call"

    def checked(self) -> Confinement:
        """The same, with a limit of memory. Raises BadInput for a path or limit that cannot be."""
        for name in ("memory", "cpu", "files"):
            if (figure := getattr(self.limits, name)) is not None and figure <= 0:
                raise BadInput(f"limits.{name}: must be more than 0.")
            if figure is not None and name != "files" and figure >= _MOST:
                raise BadInput(f"limits.{name}: is more than a system can count.")
        for how, given in (("read", self.grants.read), ("write", self.grants.write)):
            for path in given:
                if not Path(path).is_absolute():
                    raise BadInput(f"{how}: {path} is not absolute.")
                if not Path(path).exists():
                    hint = "Name a file or a folder that is there; for a new file, its folder."
                    raise BadInput(f"{how}: there is no {path}.", hint=hint)
        memory = self.limits.memory
        if memory is None:
            memory = int(_SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        return replace(self, limits=replace(self.limits, memory=memory))

    def environment(self, folder: Path, cwd: Path, base: Path) -> Mapping[str, str]:
        """What the worker is told, for a session with this folder.

        ``base`` is a folder that no session is granted: the worker makes its view there, which
        nobody else sees.
        """
        grants, home = self.grants, f"{folder}/{HOME}"
        reads = [*grants.read, *([] if self._shows_home(cwd) else [str(cwd)])]
        cpu = self.limits.cpu
        wanted = {
            "confined": grants.sandbox is not Sandbox.OFF,
            "read": reads,
            "write": [*grants.write, home],
            "kept": [f"{folder}/{name}" for name in (CHECKPOINTS, *(name for name, _ in FILES))],
            "hidden": [str(path) for path in self.hidden],
            "private": [str(path) for path in self.private],
            "net": grants.net,
            "cwd": str(cwd),
            "home": home,
            "temporary": f"{folder}/{TEMPORARY}",
            "base": str(base),
            "say": _SAY[self.asked_by],
            "limits": {
                "memory": self.limits.memory,
                "cpu": None if cpu is None else max(1, round(cpu)),
                "files": self.limits.files,
            },
        }
        return {CONFINEMENT_VARIABLE: json.dumps(wanted)}

    def judge(self, confined: Confined | None) -> None:
        """See whether that is enough. Raises NotConfined where it is not and has to be."""
        if self.grants.sandbox is Sandbox.REQUIRE and (confined is None or confined.open):
            found = "" if confined is None else f": {'; '.join(confined.open)}"
            raise NotConfined(f"The session cannot be confined as it has to be{found}.")

    def _shows_home(self, cwd: Path) -> bool:
        there = os.path.realpath(cwd)
        inner = there.rstrip("/") + "/"
        return any(f"{os.path.realpath(path)}/".startswith(inner) for path in self.private)


def prepare(folder: Path) -> None:
    """Make what a confined session has in its folder. Raises OSError."""
    for name in (HOME, TEMPORARY, CHECKPOINTS):
        (folder / name).mkdir(mode=0o700, exist_ok=True)


def sentence(confined: Confined | None) -> str:
    """What a person has to know of it; empty where nothing is open."""
    if confined is None or not confined.open:
        return ""
    how = "confined only in part" if confined.by else "not confined"
    return f"this session is {how}: {'; '.join(confined.open)}"
