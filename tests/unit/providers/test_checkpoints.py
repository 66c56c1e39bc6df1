"""Checkpoints of a session on the disk, where something stands against them."""

import os
import resource
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from inspan.errors import CheckpointFailed, NotFound
from inspan.model.code import Saved
from inspan.providers.checkpoints import Vault, new_in

pytestmark = pytest.mark.requirement("D10")

SAVED = Saved(name="one", at=1.0, size=4, names=("a",))


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    (tmp_path / "session").mkdir()
    return Vault(tmp_path / "session", tmp_path / "keys")


def keep(vault: Vault, saved: Saved = SAVED, data: bytes = b"data") -> None:
    """As a worker that has written its checkpoint."""
    written = new_in(vault.folder)
    written.write_bytes(data)
    vault.keep(written, saved)


def laid(vault: Vault, name: str = "one") -> bytes:
    """What is restored under a name."""
    target = vault.folder / "to" / "copy"
    target.unlink(missing_ok=True)
    vault.lay(name, target)
    return target.read_bytes()


def saved(vault: Vault) -> Path:
    """The one file that it keeps."""
    (file,) = (vault.folder / "saved").glob("*.checkpoint")
    return file


def test_what_is_kept_is_restored_and_replaced_as_a_whole(vault: Vault) -> None:
    keep(vault)
    assert laid(vault) == b"data"
    later = replace(SAVED, at=2.0, size=5)
    keep(vault, later, b"later")
    assert laid(vault) == b"later"
    assert vault.all() == (later,)
    assert saved(vault).read_bytes() == b"later"


def test_a_key_is_its_owners_and_made_once(vault: Vault) -> None:
    key = vault.key()
    assert vault.key() == key
    (file,) = vault.keys.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    vault.remove()
    assert vault.key() != key


def test_what_was_not_kept_is_not_found(vault: Vault) -> None:
    with pytest.raises(NotFound, match="no checkpoint other"):
        laid(vault, "other")
    keep(vault)
    with pytest.raises(NotFound, match="no checkpoint other"):
        laid(vault, "other")
    assert not (vault.folder / "to" / "copy").exists()


def folder(path: Path) -> None:
    path.mkdir()
    (path / "within").touch()


def link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


@pytest.mark.parametrize("make", [folder, link, os.mkfifo], ids=["folder", "link", "pipe"])
def test_what_a_worker_wrote_that_is_no_file_is_refused_and_harms_no_other(
    vault: Vault, make: Callable[[Path], None]
) -> None:
    keep(vault)
    written = new_in(vault.folder)
    make(written)
    with pytest.raises(CheckpointFailed, match="no regular file"):
        vault.keep(written, replace(SAVED, at=2.0))
    assert laid(vault) == b"data"
    keep(vault, replace(SAVED, name="two", at=3.0), b"more")
    assert laid(vault, "two") == b"more"
    assert [one.name for one in vault.all()] == ["one", "two"]


@pytest.mark.parametrize("make", [folder, link, os.mkfifo], ids=["folder", "link", "pipe"])
def test_a_kept_file_that_somebody_put_another_thing_for_is_not_restored(
    vault: Vault, make: Callable[[Path], None]
) -> None:
    keep(vault)
    file = saved(vault)
    file.unlink()
    make(file)
    with pytest.raises(CheckpointFailed) as caught:
        laid(vault)
    assert caught.value.hint
    assert not (vault.folder / "to" / "copy").exists()


def test_a_kept_file_that_is_gone_is_no_checkpoint_that_is_missing(vault: Vault) -> None:
    keep(vault)
    saved(vault).unlink()
    with pytest.raises(CheckpointFailed, match="No such file"):
        laid(vault)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"file": "x"}', "\udcff"])
def test_a_manifest_that_is_damaged_is_told_and_the_next_one_replaces_it(
    vault: Vault, text: str
) -> None:
    keep(vault)
    manifest = vault.folder / "saved" / "one.json"
    manifest.write_text(text, errors="surrogateescape")
    with pytest.raises(CheckpointFailed, match="manifest"):
        laid(vault)
    assert vault.all() == ()
    keep(vault, data=b"again")
    assert laid(vault) == b"again"


def test_a_place_that_cannot_be_written_is_told(vault: Vault) -> None:
    vault.keys.touch()
    with pytest.raises(CheckpointFailed, match="Not a directory"):
        vault.key()
    (vault.folder / "saved").touch()
    with pytest.raises(CheckpointFailed, match="File exists"):
        keep(vault)
    assert vault.all() == ()


def test_a_full_disk_leaves_the_checkpoint_that_was_there(vault: Vault) -> None:
    keep(vault)
    written = new_in(vault.folder)
    written.write_bytes(b"newer")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(CheckpointFailed, match="File too large"):
            vault.keep(written, replace(SAVED, at=2.0))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert vault.all() == (SAVED,)
    assert laid(vault) == b"data"
    keep(vault, replace(SAVED, at=3.0), b"later")
    assert laid(vault) == b"later"
    assert len([*(vault.folder / "saved").iterdir()]) == 2


def test_what_is_left_of_a_session_is_removed_whatever_is_there(vault: Vault) -> None:
    vault.key()
    keep(vault)
    vault.remove()
    vault.remove()
    with suppress(FileNotFoundError):
        assert not [*vault.keys.iterdir()]
    assert not (vault.folder / "saved").exists()
