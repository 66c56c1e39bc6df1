"""Where inspan keeps its state, its recordings and its sockets.

The state directory outlives a reboot and the runtime directory does not. Both belong to one user
alone. It makes folders and checks who owns them; it never opens what is inside.

Paths are text until one is asked for: a command that only speaks to the daemon needs none, and
importing ``pathlib`` costs it 4 ms.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from inspan.errors import PlatformUnsupported, Unable
from inspan.model.value import value

if TYPE_CHECKING:
    from pathlib import Path

#: Beside the settings.
TIMEOUTS: Final = "timeouts.yaml"
_PLATFORMS: Final = ("linux", "darwin")
#: ``sun_path`` holds 108 bytes on Linux and 104 on macOS, the closing NUL included.
SOCKET_PATH_MOST: Final = 100
_LONGEST_SOCKET: Final = "/daemon.sock"
_CONFIG: Final = "config.yaml"
_CONTEXTS: Final = "contexts.json"
#: Names the runtime directory that was chosen first. A login session has XDG_RUNTIME_DIR and cron
#: has not; without this file the two would look for the daemon in different places.
_POINTER: Final = "runtime"
#: Not TMPDIR: two shells that differ in it must still meet.
_TMP: Final = "/tmp"  # noqa: S108 - the folder made there is 0700 and its owner is checked


@value(frozen=True)
class Places:
    """Every path that inspan uses, all absolute."""

    state: str
    settings: str
    runtime: str

    @property
    def state_dir(self) -> Path:
        """What outlives a reboot."""
        return _path(self.state)

    @property
    def config(self) -> Path:
        """How inspan is set."""
        return _path(self.settings)

    @property
    def runtime_dir(self) -> Path:
        """What goes with a reboot: the sockets."""
        return _path(self.runtime)

    @property
    def door(self) -> str:
        """``daemon_socket`` as text."""
        return self.runtime + _LONGEST_SOCKET

    @property
    def contexts(self) -> str:
        """Names for daemons elsewhere."""
        return f"{os.path.dirname(self.settings)}/{_CONTEXTS}"  # noqa: PTH120 - text, no path yet

    @property
    def timeouts(self) -> Path:
        """How long things may take."""
        return self.config.with_name(TIMEOUTS)

    @property
    def database(self) -> Path:
        """The facts plane."""
        return self.state_dir / "inspan.db"

    @property
    def recordings(self) -> Path:
        """The bytes plane: one folder for each session."""
        return self.state_dir / "recordings"

    @property
    def code(self) -> Path:
        """One folder for each Python session."""
        return self.state_dir / "code"

    @property
    def code_keys(self) -> Path:
        """The keys of checkpoints, which no Python session can read."""
        return self.state_dir / "code-keys"

    @property
    def transcripts(self) -> Path:
        """What happened in Python sessions: one file for each."""
        return self.state_dir / "transcripts"

    @property
    def workspaces(self) -> Path:
        """One folder for each task that does not work where it was submitted."""
        return self.state_dir / "workspaces"

    @property
    def reviews(self) -> Path:
        """What a person said of changes and has not sent."""
        return self.state_dir / "reviews"

    @property
    def logs(self) -> Path:
        """What the daemon and the keeper say about themselves."""
        return self.state_dir / "logs"

    @property
    def tokens(self) -> Path:
        """Who may come in by the network."""
        return self.state_dir / "tokens.json"

    @property
    def notices(self) -> Path:
        """How far those who are told of tasks have been told."""
        return self.state_dir / "notices.json"

    @property
    def traced(self) -> Path:
        """Up to which event spans were made."""
        return self.state_dir / "traced"

    @property
    def audit(self) -> Path:
        """Who asked the daemon for what."""
        return self.logs / "audit.jsonl"

    @property
    def keeper_file(self) -> Path:
        """Which keeper holds the sessions."""
        return self.state_dir / "keeper.json"

    @property
    def daemon_socket(self) -> Path:
        """Where the daemon listens."""
        return _path(self.door)

    @property
    def guest_socket(self) -> Path:
        """Where the daemon listens for agents that hand in tasks."""
        return self.runtime_dir / "guests.sock"

    @property
    def guest_key(self) -> Path:
        """By which it knows whose agent asks."""
        return self.state_dir / "guests.key"

    @property
    def keeper_socket(self) -> Path:
        """Where the keeper listens."""
        return self.runtime_dir / "keeper.sock"

    @property
    def secrets(self) -> Path:
        """What tasks have references to; gone with a reboot."""
        return self.runtime_dir / "secrets"

    def prepare(self) -> None:
        """Make what is missing, mode 0700.

        Raises:
            Unable: a folder cannot be made, is a link, or belongs to somebody else.
        """
        for folder in (self.state_dir, self.recordings, self.workspaces, self.logs):
            _own(folder)
        if self.runtime_dir.parent.name == _path(_tmp_parent()).name:
            _own(self.runtime_dir.parent)
        _own(self.runtime_dir)
        pointer = self.state_dir / _POINTER
        if _pointed(self.state) != str(self.runtime_dir):
            fresh = pointer.with_name(f"{_POINTER}.{os.getpid()}")
            fresh.write_text(f"{self.runtime_dir}\n{os.path.realpath(self.state_dir)}\n")
            fresh.replace(pointer)


def locate(env: Mapping[str, str]) -> Places:
    """Where things are for this environment: under INSPAN_HOME, else the platform's own places.

    Touches nothing; ``Places.prepare`` makes the folders. Raises PlatformUnsupported.
    """
    refuse_platform()
    home = env.get("INSPAN_HOME")
    if home:
        state = os.path.abspath(os.path.expanduser(home))  # noqa: PTH100, PTH111 - keeps links as they are named
        config = f"{state}/{_CONFIG}"
    elif sys.platform == "linux":
        state = _xdg(env, "XDG_STATE_HOME", ".local/state")
        config = f"{_xdg(env, 'XDG_CONFIG_HOME', '.config')}/{_CONFIG}"
    else:
        from platformdirs import PlatformDirs  # noqa: PLC0415 - costs 10 ms that Linux saves

        dirs = PlatformDirs("inspan", appauthor=False)
        state, config = dirs.user_state_dir, f"{dirs.user_config_dir}/{_CONFIG}"
    return Places(state, config, _pointed(state) or _runtime(env, state))


def refuse_platform() -> None:
    """Raises PlatformUnsupported where there are no terminals and signals as we need them."""
    if sys.platform not in _PLATFORMS:
        raise PlatformUnsupported(f"inspan does not run on the platform {sys.platform!r}")


def _path(text: str) -> Path:
    from pathlib import Path  # noqa: PLC0415 - see above

    return Path(text)


def _xdg(env: Mapping[str, str], name: str, otherwise: str) -> str:
    """The XDG base directory; a relative one is ignored, as the specification asks."""
    given = env.get(name, "")
    base = given if os.path.isabs(given) else f"{_user_home(env)}/{otherwise}"  # noqa: PTH117 - text, no path yet
    return f"{base.rstrip('/')}/inspan"


def _user_home(env: Mapping[str, str]) -> str:
    given = env.get("HOME", "")
    return given.rstrip("/") if os.path.isabs(given) else str(_path("~").expanduser())  # noqa: PTH117 - text, no path yet


def _runtime(env: Mapping[str, str], state: str) -> str:
    """A folder for the sockets of this state directory, short enough for their paths."""
    from hashlib import sha256  # noqa: PLC0415 - 9 ms, and only until a place was chosen

    digest = sha256(os.fsencode(os.path.realpath(state))).hexdigest()[:8]
    given = env.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(given) and os.path.isdir(given):  # noqa: PTH112, PTH117 - text, no path yet
        wanted = f"{given.rstrip('/')}/inspan/{digest}"
        if len(os.fsencode(wanted)) + len(_LONGEST_SOCKET) <= SOCKET_PATH_MOST:
            return wanted
    return f"{_tmp_parent()}/{digest}"


def _tmp_parent() -> str:
    return f"{_TMP}/inspan-{os.getuid()}"


def _pointed(state: str) -> str | None:
    """The runtime directory that was chosen before, while it still stands.

    A copy of a state directory is another one: it must not reach the daemon of the first.
    """
    try:
        with open(f"{state}/{_POINTER}") as file:  # noqa: PTH123 - text, no path yet
            named, _, owner = file.read().rstrip("\n").partition("\n")
        standing = os.path.isabs(named) and stat.S_ISDIR(os.lstat(named).st_mode)  # noqa: PTH117 - text, no path yet
    except (OSError, ValueError):
        return None
    return named if standing and owner == os.path.realpath(state) else None


def _own(folder: Path) -> None:
    """Make ``folder`` with its parents, and see that it is ours alone."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        seen = folder.lstat()
        if not stat.S_ISDIR(seen.st_mode):
            raise Unable(
                f"{folder} is not a folder", hint="Move it away, or set INSPAN_HOME to another."
            )
        if seen.st_uid != os.geteuid():
            raise Unable(
                f"{folder} belongs to another user (uid {seen.st_uid})",
                hint="Remove it, or set XDG_RUNTIME_DIR and INSPAN_HOME to folders of your own.",
            )
        if stat.S_IMODE(seen.st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise Unable(
            f"cannot use the folder {folder}: {error.strerror}",
            hint="Set INSPAN_HOME to a folder that you can write to.",
        ) from error
