"""Says which share of the error branches in src/inspan a run of the tests has executed.

An error branch is an ``except`` clause or a ``raise``. A clause counts as executed where a line of
its body was, a ``raise`` where it was itself. It reads what coverage has measured, and the source.
Fails where less than the least share was executed; names every branch that was not.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from coverage import Coverage

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "inspan"
#: The share below which it fails.
LEAST = 0.90
#: Lines that no run can be asked to execute; the same words as coverage's.
_EXCLUDED = "pragma: no cover"


@dataclass(frozen=True)
class Branch:
    """An error branch; it is executed where one of ``lines`` is."""

    line: int
    what: str
    lines: range

    def executed(self, lines: AbstractSet[int]) -> bool:
        return any(line in lines for line in self.lines)


def branches(source: str) -> Iterator[Branch]:
    """The error branches of a module, in the order of its text."""
    text = source.splitlines()
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, _NODES)]
    for node in sorted(found, key=lambda node: (node.lineno, node.col_offset)):
        if _EXCLUDED not in text[node.lineno - 1]:
            yield Branch(node.lineno, _named(node), _lines(node))


_NODES = ast.ExceptHandler | ast.Raise


def _named(node: ast.ExceptHandler | ast.Raise) -> str:
    if isinstance(node, ast.ExceptHandler):
        return f"except {ast.unparse(node.type)}" if node.type else "except"
    if node.exc is None:
        return "raise"
    raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return f"raise {ast.unparse(raised)}"


def _lines(node: ast.ExceptHandler | ast.Raise) -> range:
    first = node.body[0].lineno if isinstance(node, ast.ExceptHandler) else node.lineno
    return range(first, (node.end_lineno or first) + 1)


def measured() -> Callable[[Path], AbstractSet[int]]:
    """What gives the executed lines of a file, by the data that coverage combined last."""
    coverage = Coverage(config_file=str(ROOT / "pyproject.toml"), data_file=str(ROOT / ".coverage"))
    coverage.load()
    data = coverage.get_data()
    return lambda path: frozenset(data.lines(str(path)) or ())


def main() -> int:
    executed = measured()
    counts: Counter[tuple[str, bool]] = Counter()
    for path in sorted(SOURCE.rglob("*.py")):
        lines = executed(path)
        for branch in branches(path.read_text()):
            ran = branch.executed(lines)
            counts[branch.what.partition(" ")[0], ran] += 1
            if not ran:
                print(f"  {path.relative_to(ROOT)}:{branch.line}: {branch.what}")
    for kind in ("except", "raise"):
        print(_said(kind, counts[kind, True], counts[kind, False]))
    done, missed = (counts["except", was] + counts["raise", was] for was in (True, False))
    print(_said("error branches", done, missed))
    return 0 if done >= LEAST * (done + missed) else 1


def _said(what: str, done: int, missed: int) -> str:
    share = done / (done + missed) if done + missed else 1.0
    return f"{what}: {done} of {done + missed} executed, {share:.1%}"


if __name__ == "__main__":
    sys.exit(main())
