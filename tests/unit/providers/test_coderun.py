"""A code session's process as the engine has it, before there is one."""

import sys
from pathlib import Path

import pytest

from inspan.engine.code.ports import CodeOrder
from inspan.errors import Unable
from inspan.model.code import CodeSpec
from inspan.providers.checkpoints import Vault
from inspan.providers.coderun import PythonRun
from tests.fakes.clock import FakeClock


@pytest.mark.parametrize("mark", ["1:2:3", "1:2:3:4:5", "one:2:3:", ":"])
def test_a_mark_of_another_version_is_refused_in_words(mark: str, tmp_path: Path) -> None:
    order = CodeOrder(
        name="one-1", session="one", spec=CodeSpec(cwd=str(tmp_path), python=sys.executable)
    )
    with pytest.raises(Unable, match="another version of inspan"):
        PythonRun(order, lambda *_, **__: None, mark, Vault(tmp_path, tmp_path), FakeClock())
