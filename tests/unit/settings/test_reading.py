"""What a settings file says is kept: for its own text alone, and with the lines of mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inspan.errors import SettingsInvalid
from inspan.model.role import Role
from inspan.settings import Settings
from inspan.settings.timeouts import load as load_timeouts
from inspan.settings.values import load

pytestmark = pytest.mark.requirement("A11")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "config.yaml"


def _load(file: Path) -> Settings:
    return load(file, str(file.parent / "state"))


def _kept(file: Path) -> Path:
    return file.parent / "state" / f".{file.name}.json"


def test_what_is_kept_says_the_same(file: Path) -> None:
    file.write_text(
        "roles: {worker: 4}\nproviders:\n  mine: {argv: [mine], mode: acp}\nenv: {allow: ['Ä_*']}\n"
    )
    first = _load(file)
    assert first.declared["mine"].source == f"{file}:3"
    assert _load(file) == first == load(file)
    assert _kept(file).stat().st_mode & 0o777 == 0o600


def test_what_is_kept_is_read_instead_of_yaml(file: Path) -> None:
    file.write_text("roles: {worker: 4}\n")
    _load(file)
    told = _kept(file).read_text()
    _kept(file).write_text(told.replace('"worker": 4', '"worker": 5'))
    assert _load(file).role("worker") == Role("worker", 5)
    file.write_text("roles: {worker: 6}\n")
    assert _load(file).role("worker") == Role("worker", 6)


def test_a_mistake_is_told_with_its_line_however_often(file: Path) -> None:
    file.write_text("roles:\n  worker: many\n")
    for _ in range(2):
        with pytest.raises(SettingsInvalid, match=r"config\.yaml:2: roles\.worker"):
            _load(file)
    assert _kept(file).exists()


@pytest.mark.parametrize("kept", ["", "[", "{}", "[1, 2]", '["", {}, [1]]', "\udcff"])
def test_a_kept_file_that_is_damaged_counts_for_nothing(file: Path, kept: str) -> None:
    file.write_text("roles: {worker: 4}\n")
    _kept(file).write_text(kept, errors="surrogateescape")
    for _ in range(2):
        assert _load(file).role("worker") == Role("worker", 4)
    assert json.loads(_kept(file).read_text())[1] == {"roles": {"worker": 4}}


def test_what_json_cannot_say_is_not_kept(file: Path) -> None:
    file.write_text("roles: {7: 4}\n")
    for _ in range(2):
        assert _load(file).role("7") == Role("7", 4)
    assert not _kept(file).exists()


def test_where_nothing_can_be_kept_the_file_is_read_all_the_same(file: Path) -> None:
    file.write_text("roles: {worker: 4}\n")
    (file.parent / "state").rmdir()
    for _ in range(2):
        assert _load(file).role("worker") == Role("worker", 4)


def test_a_link_is_not_written_through(file: Path) -> None:
    file.write_text("roles: {worker: 4}\n")
    other = file.with_name("other")
    _kept(file).symlink_to(other)
    assert _load(file).role("worker") == Role("worker", 4)
    assert not other.exists()


def test_each_file_is_kept_for_itself(file: Path) -> None:
    file.write_text("{}\n")
    file.with_name("timeouts.yaml").write_text("stop: {grace: 3}\n")
    for _ in range(2):
        assert _load(file).timeouts.grace == 3
        assert load_timeouts(file.with_name("timeouts.yaml")).grace == 3
    assert {path.name for path in _kept(file).parent.iterdir()} == {
        ".config.yaml.json",
        ".timeouts.yaml.json",
    }
