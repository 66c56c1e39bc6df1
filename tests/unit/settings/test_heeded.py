from __future__ import annotations

import os
from pathlib import Path

import pytest

from inspan.settings.heeded import Heeded

pytestmark = pytest.mark.requirement("C9")


def test_a_file_that_says_something_else_by_now_is_told_of(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    absent = Heeded(config)
    config.write_text("roles: {worker: 3}")
    assert "inspan up --restart" in str(absent.warning)
    heeded = Heeded(config)
    os.utime(config, (1, 1))
    assert not heeded.warning
    config.write_text("roles: {worker: 4}")
    assert str(config) in str(heeded.warning)
    config.unlink()
    assert "was changed" in str(heeded.warning)
    assert not Heeded(config).warning
