"""Says which files and functions have grown long; fails where one is past the hard limit.

The soft limits are where a reader begins to scroll, the hard ones where the work should be split.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("src", "tests", "tools")

FILE_SOFT, FILE_HARD = 300, 500
FUNCTION_SOFT, FUNCTION_HARD = 30, 60


@dataclass(frozen=True)
class Long:
    """Something that has grown past its soft limit."""

    where: str
    what: str
    lines: int
    hard: int

    @property
    def too_long(self) -> bool:
        return self.lines > self.hard

    def __str__(self) -> str:
        return f"{self.where}: {self.what} has {self.lines} lines ({self.hard} at most)"


def long_things(path: Path, source: str) -> Iterator[Long]:
    """What in ``source`` is past a soft limit."""
    where = str(path)
    count = source.count("\n")
    if count > FILE_SOFT:
        yield Long(where, "the file", count, FILE_HARD)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_SOFT:
                yield Long(f"{where}:{node.lineno}", f"{node.name}()", lines, FUNCTION_HARD)


def main() -> int:
    """Print the findings; 1 where one is past its hard limit."""
    found = [
        thing
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        for thing in long_things(path.relative_to(ROOT), path.read_text(encoding="utf-8"))
    ]
    growing = [thing for thing in found if not thing.too_long]
    too_long = [thing for thing in found if thing.too_long]
    if growing and "--all" in sys.argv:
        print("These are growing; a split would be kind to readers, but nothing has to be done:")
        for thing in growing:
            print(f"  {thing}")
    elif growing:
        print(f"  {len(growing)} are growing long (tools/sizes.py --all names them)")
    if too_long:
        print("These are too long to be read at one go; please split them:")
        for thing in too_long:
            print(f"  {thing}")
    return 1 if too_long else 0


if __name__ == "__main__":
    sys.exit(main())
