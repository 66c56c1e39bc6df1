"""A part of the benchmarks that is measured anew leaves the others as they were."""

from pathlib import Path

import pytest

from tools.bench import report
from tools.bench.measure import Found, Row

pytestmark = pytest.mark.requirement("A10")

SUBJECTS = ("one", "two", "three")


def _found(figure: str) -> Found:
    row = Row(what="a | b", ours=figure, peer="2 ms", ratio="0.5×", goal="≤ 1×", met=True)
    return Found(rows=(row,), notes=("a note",))


def test_one_part_is_replaced_in_its_place(tmp_path: Path) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text("# Benchmarks\n")
    for name in ("three", "one", "two"):
        report.keep(name, _found(f"{name} ms"), SUBJECTS, document)
    before = document.read_text()
    places = [before.index(f"## {name}") for name in SUBJECTS]
    assert places == sorted(places)
    report.keep("two", _found("8 ms"), SUBJECTS, document)
    after = document.read_text()
    assert after == before.replace("| two ms |", "| 8 ms |")
    assert "| a \\| b | 8 ms | 2 ms | 0.5× | ≤ 1× | yes |" in after


def test_the_document_itself_is_read_as_it_is_written(tmp_path: Path) -> None:
    copy = tmp_path / "benchmarks.md"
    copy.write_text(report.DOCUMENT.read_text())
    from tools.bench.__main__ import SUBJECTS as ALL  # noqa: PLC0415 - beside its use

    report.keep("startup", _found("1 ms"), ALL, copy)
    kept = [line for line in report.DOCUMENT.read_text().splitlines() if line.startswith("## ")]
    assert [line for line in copy.read_text().splitlines() if line.startswith("## ")] == kept
