"""Kernels for Jupyter: what is installed, what is refused, and whose is left alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from inspan.cli.main import main

pytestmark = pytest.mark.requirement("D12")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPAN_HOME", str(tmp_path / "home"))


def file(prefix: Path) -> Path:
    return prefix / "share" / "jupyter" / "kernels" / "inspan" / "kernel.json"


def test_one_is_installed_again_and_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert main(["kernel", "install", "--prefix", str(tmp_path), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["spec"] == json.loads(file(tmp_path).read_text())
    assert main(["kernel", "remove", "--prefix", str(tmp_path)]) == 0
    assert not file(tmp_path).parent.exists()
    assert main(["kernel", "remove", "--prefix", str(tmp_path)]) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "{}", '{"argv": 1}', '{"argv": ["other"]}'])
@pytest.mark.parametrize("verb", ["install", "remove"])
def test_what_is_no_kernel_of_ours_is_left_as_it_is(
    tmp_path: Path, verb: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert main(["kernel", verb, "--prefix", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "another program's kernel" in said
    assert "--name" in said
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("module", "needed", "place"),
    [("jupyter_core", "jupyter_core", "--user"), ("zmq", "pyzmq", "--sys-prefix")],
)
def test_what_is_not_installed_is_named_with_what_installs_it(
    tmp_path: Path, module: str, needed: str, place: str
) -> None:
    code = (
        f"import sys; sys.modules[{module!r}] = None; sys.prefix = {str(tmp_path)!r}\n"
        "from inspan.cli.main import main\nsys.exit(main(sys.argv[1:]))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, "kernel", "install", place],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert told.returncode == 1
    assert f"this needs {needed}, which is not installed" in told.stderr
    assert "inspan[jupyter]" in told.stderr
    assert not file(tmp_path).exists()
