from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from tools import describe, diagram, requirements
from tools.requirements import document, results, without_results

SOURCE = """
import pytest

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A1")]

def test_one(): ...

@pytest.mark.requirement("A2", "B1")
async def test_two(): ...

class TestThem:
    @pytest.mark.requirement("A2")
    def test_three(self): ...

def helper(): ...
"""
REPORT = """
<testsuites><testsuite>
<testcase name="a"><properties><property name="requirement" value="A1"/></properties></testcase>
<testcase name="b"><properties><property name="requirement" value="A1"/></properties>
<failure/></testcase>
<testcase name="c"><properties><property name="requirement" value="A1"/></properties>
<skipped/></testcase>
<testcase name="d"/>
</testsuite></testsuites>
"""
ROWS = {
    "A": {"title": "One", "A1": "Does it.", "A2": "Does more.", "A3": "Later.", "A4": "Nobody."},
    "not_built": {"rows": ["A3"]},
    "gaps": {"A2": "half of it"},
}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "ROOT", tmp_path)
    monkeypatch.setattr(requirements, "REPORT", tmp_path / "junit.xml")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(SOURCE)
    (tmp_path / "junit.xml").write_text(REPORT)


@pytest.mark.usefixtures("checkout")
def test_claims_are_read_from_module_class_and_function() -> None:
    assert requirements.claims().by_row == {
        "A1": Counter({"tests/test_it.py": 3}),
        "A2": Counter({"tests/test_it.py": 2}),
        "B1": Counter({"tests/test_it.py": 1}),
    }


@pytest.mark.usefixtures("checkout")
def test_results_are_counted_by_row() -> None:
    assert results() == {"A1": Counter(passed=1, failed=1, skipped=1)}


@pytest.mark.usefixtures("checkout")
def test_each_row_says_what_shows_it_how_it_went_and_what_it_lacks() -> None:
    text = document(ROWS, requirements.claims(), results())
    shown = "[test_it.py](../tests/test_it.py)"
    assert f"| A1 | Does it. | {shown} (3) | 1 failed, 1 passed, 1 skipped | tests fail |" in text
    assert f"| A2 | Does more. | {shown} (2) | – | half of it |" in text
    assert "| A3 | Later. | – | – | not built yet |" in text
    assert "| A4 | Nobody. | – | – | no test claims it |" in text


@pytest.mark.usefixtures("checkout")
def test_two_documents_that_differ_in_results_alone_are_alike() -> None:
    claimed = requirements.claims()
    ran, fresh = document(ROWS, claimed, results()), document(ROWS, claimed, {})
    assert ran != fresh
    assert without_results(ran) == without_results(fresh)


@pytest.mark.parametrize(("word", "status"), [("--help", 0), ("--chekc", 2)])
@pytest.mark.parametrize("tool", [requirements, diagram, describe])
def test_who_asks_for_help_or_mistypes_changes_nothing(
    tool: ModuleType, word: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(path: Path, *_: object, **__: object) -> None:
        pytest.fail(f"{path} was written")

    monkeypatch.setattr(Path, "write_text", written)
    with pytest.raises(SystemExit) as left:
        tool.main([word])
    assert left.value.code == status
