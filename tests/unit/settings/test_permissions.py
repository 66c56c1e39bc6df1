"""Rules in a file of their own: what is no such file is told, and rules nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspan.errors import BadInput
from inspan.settings.permissions import load


def test_a_file_that_is_too_large_holds_no_rules(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes(b"deny: [Bash]\n#" + b"x" * (1 << 20))
    with pytest.raises(BadInput, match="too large for a file of rules") as told:
        load(path, None)
    assert str(path) in told.value.message


def test_what_is_no_text_and_no_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes(b"deny: [\xff]\n")
    with pytest.raises(BadInput, match="not valid UTF-8"):
        load(path, None)
    with pytest.raises(BadInput, match="Is a directory") as told:
        load(tmp_path, None)
    assert "--permissions FILE" in told.value.hint
