"""bubblewrap where there is none, where it may not work, and where it does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from inspan.clock import SystemClock
from inspan.engine.ports import Confines
from inspan.errors import NotConfined
from inspan.model.sandbox import TaskSandbox
from inspan.model.task import TaskSpec
from inspan.providers import bubblewrap
from inspan.providers.process import Processes
from inspan.providers.registry import Providers
from inspan.providers.screens import Screens
from tests.real.sandbox import needs_sandbox

pytestmark = pytest.mark.requirement("C9")


@pytest.mark.parametrize("package", ["no_such_package", "no_such.package"])
def test_absent_it_is_refused_with_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setattr(bubblewrap, "_PLACES", ())
    monkeypatch.setattr(bubblewrap, "_PACKAGE", package)
    with pytest.raises(NotConfined, match="not installed") as refused:
        bubblewrap.prove()
    assert "apt install bubblewrap" in refused.value.hint


def test_elsewhere_than_on_linux_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(NotConfined, match="Linux alone"):
        bubblewrap.find()


def test_forbidden_it_is_refused_with_its_own_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "bwrap"
    program.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.8.0 && exit\n'
        "echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(bubblewrap, "_PLACES", (str(program),))
    with pytest.raises(NotConfined, match="uid map: Permission denied") as refused:
        bubblewrap.prove()
    assert "user namespaces" in refused.value.hint


@needs_sandbox
def test_present_it_tells_its_version() -> None:
    program, version = bubblewrap.prove()
    assert program.name == "bwrap"
    assert version[0].isdigit()


@pytest.mark.anyio
async def test_a_task_that_asks_for_one_where_there_are_none_is_refused(tmp_path: Path) -> None:
    async def no_keeper() -> object:
        raise AssertionError

    spec = TaskSpec(command=("true",), cwd=str(tmp_path), sandbox=TaskSandbox())
    for provider in Providers(Processes(no_keeper, tmp_path, Screens(SystemClock()))).values():  # type: ignore[arg-type]
        assert isinstance(provider, Confines)
        with pytest.raises(NotConfined):
            await provider.check_sandbox(spec)
