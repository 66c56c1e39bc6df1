"""The file of a checkpoint: refused unread where not whole or ours; a crash leaves one whole."""

from __future__ import annotations

import hmac
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from inspan.kernel.worker import checkpoint_file
from inspan.kernel.worker.checkpoint import CheckpointError, load, save
from tests.fakes.checkpoint_process import END, KEY, PRELUDE, run

pytestmark = pytest.mark.requirement("D10")


class Trap:
    """Unpickled, it says so."""

    sprung = False

    def __reduce__(self) -> Any:
        return _spring, ()


def _spring() -> None:
    Trap.sprung = True


@pytest.fixture
def made(tmp_path: Path) -> Path:
    Trap.sprung = False
    path = tmp_path / "ck"
    save({"trap": Trap(), "data": list(range(2000))}, str(path), KEY)
    return path


def _names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


def _refused(path: Path, key: bytes = KEY, **more: Any) -> str:
    namespace: dict[str, Any] = {"mine": 1}
    with pytest.raises(CheckpointError) as caught:
        load(namespace, str(path), key, **more)
    assert namespace == {"mine": 1}
    assert not Trap.sprung
    return str(caught.value)


def test_the_right_key_reads_it(made: Path) -> None:
    namespace: dict[str, Any] = {}
    load(namespace, str(made), KEY)
    assert Trap.sprung
    assert namespace["data"][-1] == 1999
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert _names(made.parent) == ["ck"]


def test_another_key(made: Path) -> None:
    assert "another key" in _refused(made, bytes(32))


def test_cut_short_anywhere(made: Path) -> None:
    whole = made.read_bytes()
    for part in range(50):
        made.write_bytes(whole[: len(whole) * part // 50])
        _refused(made)
    made.write_bytes(whole + b"x")
    _refused(made)


def test_one_bit_changed_anywhere(made: Path) -> None:
    whole = made.read_bytes()
    for part in range(50):
        changed = bytearray(whole)
        changed[len(whole) * part // 50] ^= 4
        made.write_bytes(changed)
        _refused(made)


def test_another_version(made: Path) -> None:
    raw = bytearray(made.read_bytes())
    raw[8:12] = (7).to_bytes(4, "big")
    made.write_bytes(raw)
    assert "version 7" in _refused(made)


def test_another_python(made: Path) -> None:
    manifest, payload = checkpoint_file.unpack(made.read_bytes(), KEY)
    manifest["python"] = "cpython 3.1"
    made.write_bytes(checkpoint_file.pack(manifest, payload, KEY))
    assert "cpython 3.1" in _refused(made)


def test_a_payload_that_ends_early_changes_nothing(made: Path) -> None:
    manifest, payload = checkpoint_file.unpack(made.read_bytes(), KEY)
    manifest["names"] = ["data", "more", "than", "there"]
    made.write_bytes(checkpoint_file.pack(manifest, payload, KEY))
    namespace: dict[str, Any] = {}
    with pytest.raises(CheckpointError):
        load(namespace, str(made), KEY)
    assert namespace == {}


def test_lengths_that_do_not_fit_are_refused_whoever_signed_them(made: Path) -> None:
    head = checkpoint_file.HEAD
    for length in (len(made.read_bytes()), 1 << 62):
        body = head.pack(checkpoint_file.MAGIC, checkpoint_file.VERSION, length)
        made.write_bytes(body + hmac.digest(KEY, body, "sha256"))
        assert "contradicts its own lengths" in _refused(made)


def test_no_file_a_folder_a_link_a_fifo_a_large_one(made: Path) -> None:
    folder = made.parent
    assert "No such file" in _refused(folder / "none")
    (folder / "link").symlink_to(made)
    _refused(folder / "link")
    os.mkfifo(folder / "fifo")
    assert "regular" in _refused(folder / "fifo")
    (folder / "sub").mkdir()
    _refused(folder / "sub")
    (folder / "way").symlink_to(folder, target_is_directory=True)
    _refused(folder / "way" / "ck")
    assert "over 100" in _refused(made, most=100)


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/etc/x", "a\0b", "x" * 250])
def test_only_a_plain_name_in_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(CheckpointError):
        save({"a": 1}, name, KEY, folder=str(tmp_path))
    with pytest.raises(CheckpointError):
        load({}, name, KEY, folder=str(tmp_path))
    assert _names(tmp_path) == ["a"]
    assert _names(tmp_path / "a") == []


def test_a_link_in_the_place_of_the_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("theirs")
    (tmp_path / "ck").symlink_to(tmp_path / "target")
    save({"a": 1}, "ck", KEY, folder=str(tmp_path))
    assert (tmp_path / "target").read_text() == "theirs"
    assert not (tmp_path / "ck").is_symlink()


def test_a_short_key_and_a_failed_save_leave_the_old_file(made: Path) -> None:
    before = made.read_bytes()
    with pytest.raises(CheckpointError):
        save({"a": 1}, str(made), b"short")
    code = (
        "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\ncell('a = bytes(100_000)')\n"
        "try:\n    save(given)\nexcept checkpoint.CheckpointError as error:\n"
        "    answer['error'] = str(error)"
    )
    assert "File too large" in run(code, given=str(made))["error"]
    assert made.read_bytes() == before
    assert _names(made.parent) == ["ck"]


SAVER = """
number = 0
ns["fill"] = bytes(300_000)
print("ready", flush=True)
while True:
    number += 1
    for i in range(20):
        ns[f"name_{i}"] = [number] * 1000
    ns["number"] = number
    save(given)
    print(number, flush=True)
"""


def _killed(path: Path, after: float) -> int:
    """Kill a saving process some time after its first save; the last number it said was saved."""
    child = subprocess.Popen(
        [
            sys.executable,
            "-S",
            "-c",
            f"{PRELUDE}given = json.loads(sys.stdin.readline())\n{SAVER}{END}",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(str(path)) + "\n")
        child.stdin.flush()
        assert child.stdout.readline() == "ready\n"
        try:
            child.wait(after)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
        said = child.stdout.read().split("\n")
    return int(([0] + [int(line) for line in said[:-1]])[-1])


def _kill_often(path: Path, times: int) -> None:
    random = Random(11)
    whole = 0
    for _ in range(times):
        said = _killed(path, random.uniform(0, 0.05))
        if not path.exists():
            assert said == 0
            continue
        found: dict[str, Any] = {}
        load(found, str(path), KEY)
        numbers = {tuple(found[f"name_{i}"]) for i in range(20)}
        assert numbers == {(found["number"],) * 1000}
        # Old or new: never less than what was acknowledged, unless the child began anew.
        assert said == 0 or found["number"] >= said
        whole += 1
    assert whole
    save({}, str(path), KEY)
    assert _names(path.parent) == [path.name]


def test_killed_while_it_saves(tmp_path: Path) -> None:
    _kill_often(tmp_path / "ck", 20)


@pytest.mark.soak
@pytest.mark.timeout(120)
def test_killed_a_hundred_times_while_it_saves(tmp_path: Path) -> None:
    _kill_often(tmp_path / "ck", 100)
