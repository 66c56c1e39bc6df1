"""Draws docs/demo.svg: what `inspan demo` prints on a terminal of 92 columns, as it printed it.

    python tools/picture.py

The demo is really run. Rich turns its bytes into the picture; nothing is retouched.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import suppress
from io import StringIO
from pathlib import Path
from struct import pack
from typing import Final

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

COLS: Final = 92
TARGET: Final = Path(__file__).parent.parent / "docs" / "demo.svg"


def recorded() -> tuple[str, int]:
    """What the demo prints on a terminal, and its exit status."""
    from fcntl import ioctl  # noqa: PLC0415 - Unix only, like the demo
    from termios import TIOCSWINSZ  # noqa: PLC0415

    ours, theirs = os.openpty()
    ioctl(theirs, TIOCSWINSZ, pack("HHHH", 50, COLS, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLS)}
    env.pop("NO_COLOR", None)
    command = [str(Path(sys.executable).with_name("inspan")), "demo"]
    demo = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    printed = b""
    # A terminal whose other end is closed answers with an error where a pipe would with nothing.
    with suppress(OSError):
        while piece := os.read(ours, 1 << 16):
            printed += piece
    os.close(ours)
    return printed.decode(), demo.wait()


def main() -> int:
    printed, status = recorded()
    if status:
        print(printed, f"the demo exited with {status}; no picture", sep="\n")
        return status
    console = Console(record=True, width=COLS, file=StringIO(), force_terminal=True)
    console.print(Text("$ inspan demo", style="bold"))
    console.print(Text.from_ansi(printed.replace("\r\n", "\n").rstrip()))
    # The reader's own fixed-width font will do; a picture must not fetch one from the network.
    plain = re.sub(r"@font-face {{.*?}}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    console.save_svg(str(TARGET), title="inspan demo", code_format=plain)
    print(f"{TARGET.name} is drawn")
    return 0


if __name__ == "__main__":
    sys.exit(main())
