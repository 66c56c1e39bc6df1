"""A person at a real terminal: shells in the panes of a tmux that is this test's own."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.real.console import PATIENCE, Console

COLS, ROWS = 80, 24
#: The shell waits for a line.
PROMPT = r"^[$#] ?\Z"
CONFIG = """\
set -g default-terminal screen-256color
set -g status off
set -sg escape-time 0
set -g allow-rename on
"""


class Tmux:
    """A tmux server on a socket of its own, in a console's home; that server alone is ended."""

    def __init__(self, console: Console) -> None:
        found = shutil.which("tmux")
        if found is None:
            pytest.fail("tmux is not here: install it, or leave out `make test-faces`")
        self._console = console
        config = console.home / "tmux.conf"
        config.write_text(CONFIG)
        self._command = [found, "-S", str(console.home / "tmux.sock"), "-f", str(config)]
        self._env = {
            **console.env,
            "PATH": f"{Path(sys.executable).parent}:{console.env['PATH']}",
        }
        self._panes = 0

    def tell(self, *words: str) -> str:
        """A command for the server; what it answers."""
        done = subprocess.run(
            [*self._command, *words],
            env=self._env,
            cwd=self._console.home,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout.decode().rstrip("\n")

    def pane(self, cols: int = COLS, rows: int = ROWS) -> Pane:
        """A new terminal of this size, with a shell in it that waits for a line."""
        self._panes += 1
        name = f"pane{self._panes}"
        size = ["-x", str(cols), "-y", str(rows)]
        shown = ["-P", "-F", "#{pane_id}"]
        target = self.tell("new-session", "-d", "-s", name, *size, *shown, "/bin/sh")
        pane = Pane(self, target, self._console.home / name)
        pane.until(PROMPT)
        return pane

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._panes:
            self.tell("kill-server")


class Pane:
    """One terminal: what is typed, and what a person sees."""

    def __init__(self, server: Tmux, target: str, notes: Path) -> None:
        self._server = server
        self._target = target
        self._notes = notes
        self._runs = 0

    # ── typing ────────────────────────────────────────────────────────────────

    def type(self, text: str) -> None:
        """Press the keys of ``text``, one by one."""
        self._server.tell("send-keys", "-t", self._target, "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Press keys by their names: Enter, C-c, Escape."""
        self._server.tell("send-keys", "-t", self._target, *keys)

    def line(self, text: str) -> None:
        """Type a line and Enter."""
        self.type(text)
        self.press("Enter")

    def paste(self, text: str) -> None:
        """Paste it, in brackets where the program has asked for them (private mode 2004)."""
        self._server.tell("set-buffer", "--", text)
        self._server.tell("paste-buffer", "-p", "-d", "-t", self._target)

    def begin(self, *words: str) -> Ran:
        """Let the shell run a command on a clean screen, between two readings of the terminal."""
        self._runs += 1
        path = self._notes.with_name(f"{self._notes.name}-{self._runs}")
        script = path.with_suffix(".sh")
        script.write_text(
            f"printf '\\033[H\\033[2J\\033[3J'; stty -g > {path}.before\n{shlex.join(words)}\n"
            f"echo $? > {path}.status; stty -g > {path}.after; : > {path}.done\n"
        )
        self.line(f". {script}")
        self.until(lambda: Path(f"{path}.before").exists())
        return Ran(self, path)

    def resize(self, cols: int, rows: int) -> None:
        """Drag the corner of the window; tmux tells its programs a moment later."""
        self._server.tell("resize-window", "-t", self._target, "-x", str(cols), "-y", str(rows))
        with Path(self.told("pane_tty")).open("rb", buffering=0) as line:
            self.until(lambda: os.get_terminal_size(line.fileno()) == (cols, rows))

    def close(self) -> None:
        """Close the window, as its cross does."""
        self._server.tell("kill-pane", "-t", self._target)

    # ── seeing ────────────────────────────────────────────────────────────────

    def see(self) -> list[str]:
        """The lines of the screen."""
        height = int(self.told("pane_height"))
        lines = self._server.tell("capture-pane", "-p", "-t", self._target).split("\n")
        return [*lines, *[""] * (height - len(lines))]

    def text(self) -> str:
        """The screen, long lines in one piece, with what has scrolled off."""
        return self._server.tell("capture-pane", "-pJ", "-S", "-", "-t", self._target)

    def styled(self) -> str:
        """The screen with its colours."""
        return self._server.tell("capture-pane", "-ep", "-t", self._target)

    def told(self, name: str) -> str:
        """What the terminal says of itself: `alternate_on`, `cursor_flag`, `pane_title`."""
        return self._server.tell("display-message", "-p", "-t", self._target, f"#{{{name}}}")

    def settings(self) -> list[object]:
        """The settings of the line, as termios has them."""
        with Path(self.told("pane_tty")).open("rb", buffering=0) as line:
            return termios.tcgetattr(line)

    def until(self, wanted: str | Callable[[], object]) -> None:
        """Wait until a pattern is on the screen, or a condition is true."""
        end = time.monotonic() + PATIENCE
        while not self._is(wanted):
            assert time.monotonic() < end, f"waited for {wanted!r} before\n{self.text()}"
            time.sleep(0.03)

    def shows(self, pattern: str) -> bool:
        """Whether a pattern is on the screen."""
        return re.search(pattern, self.text(), re.MULTILINE) is not None

    def _is(self, wanted: str | Callable[[], object]) -> object:
        return self.shows(wanted) if isinstance(wanted, str) else wanted()


class Ran:
    """A command that a shell runs, and the state of the line before and after it."""

    def __init__(self, pane: Pane, path: Path) -> None:
        self.path = path
        self._pane = pane

    @property
    def over(self) -> bool:
        return self.path.with_name(f"{self.path.name}.done").exists()

    def end(self) -> int:
        """Wait for its end; the exit status. The terminal is as it was."""
        self._pane.until(lambda: self.over)
        status, before, after = (
            self.path.with_name(f"{self.path.name}.{what}").read_text()
            for what in ("status", "before", "after")
        )
        assert after == before
        modes = {name: self._pane.told(name) for name in AT_REST}
        assert modes == AT_REST
        return int(status)


#: How a terminal is that no program holds.
AT_REST = {
    "alternate_on": "0",
    "cursor_flag": "1",
    "mouse_any_flag": "0",
    "keypad_cursor_flag": "0",
    "keypad_flag": "0",
    "wrap_flag": "1",
}
