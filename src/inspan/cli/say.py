"""Everything the CLI prints goes through here, so that nothing printed can steer a terminal.

Words for people on standard output, complaints on standard error, JSON where it was asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from inspan.errors import InspanError

_STYLES: Final = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
}


def clean(text: str) -> str:
    """``text`` on one line, with nothing in it that a terminal would obey."""
    from inspan.terminal.sanitize import one_line

    return one_line(text)


def out(text: str = "") -> None:
    """Print a line that is already clean."""
    print(text)


def note(text: str) -> None:
    """Tell the person something that is no part of the output."""
    sys.stdout.flush()
    print(f"inspan: {clean(text)}", file=sys.stderr, flush=True)


def advise(hint: str) -> None:
    """Say below what went wrong what can be done about it, where something can."""
    if hint:
        sys.stdout.flush()
        print(f"  hint: {clean(hint)}", file=sys.stderr, flush=True)


def failure(error: InspanError, *, code: int | None = None, as_json: bool = False) -> int:
    """Say what went wrong; the exit status."""
    from inspan.cli.exits import of_error

    status = of_error(error) if code is None else code
    if as_json:
        json({"error": {"code": error.code, "message": error.message, "hint": error.hint}})
        return status
    note(error.message)
    advise(error.hint)
    return status


def json(value: Any) -> None:
    """Print one JSON document on one line; ASCII only, so that it is safe on a terminal."""
    from json import dumps

    from inspan.cli.plainly import full

    print(dumps(full(value)), flush=True)


def colours(stream: IO[str] | None = None) -> bool:
    """True where colour is welcome: a terminal that is not dumb, and no NO_COLOR (no-color.org)."""
    target = sys.stdout if stream is None else stream
    return target.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def styled(text: str, style: str) -> str:
    """``text`` in a style, where standard output shows colours."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if style and colours() else text


def table(head: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str] = ()) -> None:
    """Columns as wide as they need to be; the last one is cut at the edge of a terminal.

    ``styles`` colours the second column, row by row. The cells are clean already.
    """
    from inspan.terminal.sanitize import columns

    widths = [max(columns(row[index]) for row in [head, *rows]) for index in range(len(head))]
    width = terminal_width()
    if width is not None:
        widths[-1] = max(1, width - sum(widths[:-1]) - 2 * (len(widths) - 1))
    out(styled("  ".join(_cells(head, widths)).rstrip(), "dim"))
    for number, row in enumerate(rows):
        cells = _cells(row, widths)
        if styles:
            cells[1] = styled(cells[1], styles[number])
        out("  ".join(cells).rstrip())


def _cells(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    from inspan.terminal.sanitize import columns, one_line

    shown = [one_line(cell, width) for cell, width in zip(row, widths, strict=True)]
    return [cell + " " * (width - columns(cell)) for cell, width in zip(shown, widths, strict=True)]


def terminal_width() -> int | None:
    """How many columns a person sees; ``None`` in a pipe, which has room for all."""
    if not sys.stdout.isatty():
        return None
    from shutil import get_terminal_size

    return get_terminal_size((80, 24)).columns
