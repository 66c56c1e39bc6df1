"""Secrets by reference: held, in a file, in the environment, in a keyring."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend

from inspan.errors import BadInput, SecretMissing, SettingsInvalid
from inspan.settings import load
from inspan.settings.secrets import Secrets, check

pytestmark = pytest.mark.requirement("C2")

VALUE = "sk-canary-0123456789"


class Box(KeyringBackend):
    """A keyring in memory."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        return VALUE if (service, username) == ("models", "me") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError((service, username, len(password)))

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError((service, username))


@pytest.fixture
def box() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(Box())  # type: ignore[no-untyped-call]  # its own base is untyped
    yield
    keyring.set_keyring(before)


def held(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path / "secrets", {"MINE": VALUE})


def test_what_is_held_is_found_again_by_another_process(tmp_path: Path) -> None:
    reference = held(tmp_path).hold(VALUE)
    assert held(tmp_path).look_up(reference) == VALUE
    assert held(tmp_path).hold(VALUE) == reference
    assert held(tmp_path).hold("another") != reference


def test_a_reference_tells_nothing_and_the_file_is_the_users_alone(tmp_path: Path) -> None:
    here = held(tmp_path).hold(VALUE)
    elsewhere = Secrets(tmp_path / "other", {}).hold(VALUE)
    assert here != elsewhere
    files = list((tmp_path / "secrets").iterdir())
    assert len(files) == 2  # the value and the salt
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_bytes_that_are_no_text_come_back(tmp_path: Path) -> None:
    odd = os.fsdecode(b"\xff\x80 key")
    assert held(tmp_path).look_up(held(tmp_path).hold(odd)) == odd


@pytest.mark.usefixtures("box")
def test_references_to_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{VALUE}\nand more\n")
    for reference in (f"file:{file}", "env:MINE", "keyring:models/me"):
        assert held(tmp_path).look_up(reference) == VALUE


@pytest.mark.usefixtures("box")
@pytest.mark.parametrize(
    "reference",
    ["held:" + "0" * 32, "held:../../etc/passwd", "file:/nowhere", "env:NOT", "keyring:models/you"],
)
def test_nothing_behind_a_reference_is_said(tmp_path: Path, reference: str) -> None:
    with pytest.raises(SecretMissing) as missing:
        held(tmp_path).look_up(reference)
    assert reference in missing.value.message


def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    reference = held(tmp_path).hold(VALUE)
    path = tmp_path / "secrets" / reference.removeprefix("held:")
    path.unlink()
    path.symlink_to("/etc/hostname")
    with pytest.raises(SecretMissing):
        held(tmp_path).look_up(reference)


@pytest.mark.parametrize("text", ["", "held", "file:", "http://x", "sk-0123"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        check(text)


def test_too_long_a_value_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="too long"):
        held(tmp_path).hold("x" * (1 << 20))


def test_what_nobody_asks_for_is_let_go(tmp_path: Path) -> None:
    old, new = held(tmp_path).hold("old"), held(tmp_path).hold("new")
    os.utime(tmp_path / "secrets" / old.removeprefix("held:"), (0, 0))
    assert held(tmp_path).forget(3600) == 1
    with pytest.raises(SecretMissing):
        held(tmp_path).look_up(old)
    assert held(tmp_path).look_up(new) == "new"
    assert Secrets(tmp_path / "none", {}).forget(1) == 0


def test_the_settings_name_references_and_no_values(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("secrets:\n  ANTHROPIC_API_KEY: file:~/key\n")
    assert load(config).secrets == {"ANTHROPIC_API_KEY": "file:~/key"}
    config.write_text("roles: {}\nsecrets:\n  ANTHROPIC_API_KEY: sk-0123\n")
    with pytest.raises(SettingsInvalid, match=":3:") as refused:
        load(config)
    assert "file:PATH" in (refused.value.hint or "")
    config.write_text("secrets: [a]\n")
    with pytest.raises(SettingsInvalid, match="mapping"):
        load(config)


def test_a_keyring_that_is_not_installed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)  # as where nobody installed it
    with pytest.raises(SecretMissing, match="`keyring` is not installed") as told:
        held(tmp_path).look_up("keyring:models/me")
    assert "pip install keyring" in told.value.hint
