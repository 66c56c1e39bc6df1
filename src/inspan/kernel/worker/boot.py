"""How a worker is started: the command line for any Python from 3.11 on.

That Python needs no inspan. The package's folder is loaded under a private name, so that what a
session imports as ``inspan`` is the session's own affair. This module imports nothing of the rest.
"""

from __future__ import annotations

import os
from typing import Final

#: Names the token that a host has to say; the worker takes it out of its environment at once.
TOKEN_VARIABLE: Final = "INSPAN_KERNEL_TOKEN"  # noqa: S105 - a name, no secret

#: The one argument of a worker that is to fork others.
FORKER: Final = "--forker"
#: The same of one that was forked and has no session yet, as ``ps`` shows it.
SPARE: Final = "--spare"
#: Names a folder that has cloudpickle (and may have others) in it, for a Python that lacks it.
CLOUDPICKLE_VARIABLE: Final = "INSPAN_KERNEL_CLOUDPICKLE"
#: Names what a host grants, as JSON; the worker takes it out of its environment at once.
CONFINEMENT_VARIABLE: Final = "INSPAN_KERNEL_CONFINEMENT"

#: In a session's folder: its checkpoints, its home, and that home's place for temporary files.
CHECKPOINTS: Final = "checkpoints"
HOME: Final = "work"
TEMPORARY: Final = "work/tmp"

#: The text for ``python -c``; its first argument is the folder of the kernel package. What is
#: loaded stays, so nothing is looked through for garbage meanwhile; ``main`` turns that on again.
BOOT: Final = """\
import gc, sys
gc.disable()
package = type(sys)("_inspan_kernel")
package.__path__ = [sys.argv.pop(1)]
sys.modules["_inspan_kernel"] = package
from _inspan_kernel.worker import lean
with lean.stand_ins():
    from _inspan_kernel.worker.main import main
main(sys.argv[1:])
"""

#: The folder of the kernel package. Without pathlib, which no worker needs.
_KERNEL: Final = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120


def command(python: str, *, session: str, socket: str, folder: str) -> list[str]:
    """What to run. ``socket`` is made by the worker; ``folder`` exists and is the owner's alone."""
    return [*_base(python), "--session", session, "--socket", socket, "--folder", folder]


def forker(python: str) -> list[str]:
    """What to run for a process from which workers are forked, whose ``command`` begins alike."""
    return [*_base(python), FORKER]


def _base(python: str) -> list[str]:
    # ``-P``: nothing is imported from the working directory, where anybody may have put a
    # ``socket.py``. That is for code that is confined: for it ``main`` puts it back.
    return [python, "-P", "-c", BOOT, _KERNEL]
