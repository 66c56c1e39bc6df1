from pathlib import Path

import pytest

from inspan.settings import reviews

pytestmark = pytest.mark.anyio


async def test_what_is_kept_of_a_task_is_forgotten_and_nothing_else(tmp_path: Path) -> None:
    for name in ("01abc.json", "01abc.json.77", "02def.json", "01abc.txt", "notes"):
        (tmp_path / name).write_text("{}")
    await reviews.forget(tmp_path, {"01abc", "03xyz"})
    assert {path.name for path in tmp_path.iterdir()} == {"02def.json", "01abc.txt", "notes"}
    assert reviews.commented(tmp_path) == {"02def"}


async def test_where_nothing_was_ever_kept_nothing_is_forgotten(tmp_path: Path) -> None:
    await reviews.forget(tmp_path / "none", {"01abc"})
    assert reviews.commented(tmp_path / "none") == set()


async def test_what_cannot_be_taken_away_is_logged_and_the_others_go(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "01abc.json").mkdir()
    (tmp_path / "02def.json").write_text("{}")
    await reviews.forget(tmp_path, {"01abc", "02def"})
    assert [path.name for path in tmp_path.iterdir()] == ["01abc.json"]
    assert "stay" in caplog.text
