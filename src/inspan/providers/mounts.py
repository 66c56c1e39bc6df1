"""Which paths a confined program sees, and whether it may write there: an ordered list of mounts.

The deepest mount above a path decides; of two at the same path, the one that was named last. It
knows neither whose paths they are nor which program makes the mounts.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Final

from inspan.model.value import value


class Access(StrEnum):
    """What may be done below a path."""

    HIDE = "hide"  #: nothing: a folder is shown empty, a file cannot be opened
    READ = "read"
    WRITE = "write"
    FRESH = "fresh"  #: an empty folder of the program's own, which goes with it


@value(frozen=True)
class Mount:
    """One path, absolute and without links, and what may be done there."""

    path: str
    access: Access
    folder: bool
    #: How it was named, where that was by way of links.
    name: str


class Mounts:
    """The mounts of one program. What is not there when it is named is passed over."""

    def __init__(self) -> None:
        self._found: dict[str, Mount] = {}

    def put(self, access: Access, paths: Iterable[str | Path]) -> None:
        """Decide on these, links followed; what was decided on the same path before is void."""
        for path in paths:
            real = os.path.realpath(path)
            if os.path.lexists(real):
                self._found.pop(real, None)
                folder = os.path.isdir(real)  # noqa: PTH112 - text, no path yet
                self._found[real] = Mount(real, access, folder, os.path.abspath(path))  # noqa: PTH100 - links are kept

    def show(self, access: Access, paths: Iterable[str | Path]) -> None:
        """``put``, but for what a link leads to that is hidden under another name.

        A link may be the work of a program that was confined before.
        """
        self.put(access, (path for path in paths if not self._led_astray(path)))

    def at(self, path: str | Path) -> Access:
        """What may be done at a path without links."""
        found = self._over(path)
        return Access.READ if found is None else found.access

    def _over(self, path: str | Path) -> Mount | None:
        here = Path(path)
        found = (self._found.get(str(one)) for one in (here, *here.parents))
        return next(filter(None, found), None)

    def _led_astray(self, path: str | Path) -> bool:
        named, real = Path(os.path.abspath(path)), Path(os.path.realpath(path))  # noqa: PTH100 - links are kept
        over = self._over(real)
        if named == real or over is None or over.access is not Access.HIDE:
            return False
        same = named.is_relative_to(over.name)
        return not (same and Path(over.path, named.relative_to(over.name)) == real)

    def sees(self, path: str | Path) -> bool:
        """Whether what is there on the outside is there for the program too."""
        return self.at(path) in (Access.READ, Access.WRITE)

    def ordered(self) -> list[Mount]:
        """All of them, so that each comes after those it lies in."""
        return sorted(self._found.values(), key=lambda mount: len(Path(mount.path).parts))


_NOTHING: Final = "/dev/null"
#: Settings of the kernel, which a root without any capability may write as well.
_KERNEL: Final = tuple(
    f"/proc/{name}" for name in ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi", "mtrr")
)


def arguments(mounts: Mounts) -> list[str]:
    """The same as bubblewrap takes it; ``/proc`` and ``/dev`` are its own.

    A folder that is shown empty is made unwritable last, when what is shown in it has its place.
    """
    made = ["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]
    if os.geteuid() == 0:
        # For others they are closed as they are, and a sandbox within this one needs them whole.
        made += [word for path in _KERNEL for word in ("--ro-bind-try", path, path)]
    closed: list[str] = []
    for mount in mounts.ordered():
        path = mount.path
        match mount.access:
            case Access.READ:
                made += ["--ro-bind", path, path]
            case Access.WRITE:
                made += ["--bind", path, path]
            case Access.FRESH:
                made += ["--perms", "1777", "--tmpfs", path]
            case Access.HIDE if mount.folder:
                made += ["--perms", "0555", "--tmpfs", path]
                closed += ["--remount-ro", path]
            case Access.HIDE:
                made += ["--ro-bind", _NOTHING, path]
    return made + closed
