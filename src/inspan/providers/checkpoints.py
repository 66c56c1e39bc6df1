"""Checkpoints on the disk: one of a name is replaced as a whole, whoever dies meanwhile.

The folder ``saved`` of a session has the files, which its worker wrote, under names of their own,
and beside them a manifest for each checkpoint; renaming that is what makes one. The key that the
files are authenticated with lies elsewhere. It never reads what is in such a file.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from inspan.errors import CheckpointFailed, NotFound
from inspan.model.code import Saved
from inspan.model.plain import dump, load
from inspan.model.value import value

_FOLDER: Final = "saved"
_FILE: Final = ".checkpoint"
_MANIFEST: Final = ".json"
_PART: Final = ".part"
_KEY_BYTES: Final = 32
_REFUSED: Final = "The checkpoint is no regular file."


@value(frozen=True)
class Vault:
    """The checkpoints of one session. Its verbs block, and are called one at a time."""

    #: Of the session, and of the keys of all sessions.
    folder: Path
    keys: Path

    def key(self) -> str:
        """The session's key, hexadecimal; made where there is none. Raises CheckpointFailed."""
        path = self._key
        with _told():
            with suppress(FileNotFoundError):
                return path.read_text()
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            key = secrets.token_hex(_KEY_BYTES)
            part = path.with_name(f".{path.name}{_PART}")
            _write(part, key.encode())
            part.replace(path)
            return key

    def keep(self, written: Path, saved: Saved) -> None:
        """Take ``written`` over as the checkpoint ``saved``. Raises CheckpointFailed."""
        place = self._saved
        with _told():
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = new_in(place)
            written.rename(file)
            _check(file)
            part = file.with_suffix(_PART)
            _write(part, json.dumps({"file": file.name, "saved": dump(saved)}).encode())
            part.replace(place / f"{saved.name}{_MANIFEST}")
            _settle(place)
            self._sweep()

    def lay(self, name: str, target: Path) -> None:
        """Copy it to ``target``, where nothing is yet. Raises CheckpointFailed, NotFound."""
        with _told():
            try:
                manifest = _manifest(self._saved / f"{name}{_MANIFEST}")
            except FileNotFoundError as error:
                raise NotFound(f"There is no checkpoint {name}.") from error
            # It may be a pipe by now, which nobody writes to.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            source = os.open(self._saved / manifest["file"], flags)
            with os.fdopen(source, "rb") as stream:
                if not stat.S_ISREG(os.fstat(source).st_mode):
                    raise CheckpointFailed(_REFUSED)
                target.parent.mkdir(mode=0o700, exist_ok=True)
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                with os.fdopen(os.open(target, flags, 0o600), "wb") as copy:
                    shutil.copyfileobj(stream, copy, 1 << 20)

    def all(self) -> tuple[Saved, ...]:
        """What can be restored, oldest first."""
        found = [load(Saved, each["saved"]) for _, each in self._manifests()]
        return tuple(sorted(found, key=lambda saved: saved.at))

    def remove(self) -> None:
        """Delete all of it, the key too."""
        shutil.rmtree(self._saved, ignore_errors=True)
        self._key.unlink(missing_ok=True)

    @property
    def _saved(self) -> Path:
        return self.folder / _FOLDER

    @property
    def _key(self) -> Path:
        return self.keys / self.folder.name

    def _manifests(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        for path in self._saved.glob(f"*{_MANIFEST}"):
            with suppress(OSError, CheckpointFailed):
                yield path, _manifest(path)

    def _sweep(self) -> None:
        """What no manifest names was replaced, or left by a process that died."""
        named = {manifest["file"] for _, manifest in self._manifests()}
        for path in self._saved.iterdir():
            left = path.suffix == _FILE and path.name not in named
            if left or path.suffix == _PART:
                _remove(path)


def new_in(folder: Path) -> Path:
    """A name that no file in ``folder`` has."""
    return folder / f"{secrets.token_hex(8)}{_FILE}"


def clear(folder: Path) -> None:
    """Delete what an engine had written to ``folder`` and did not live to take over."""
    for path in folder.glob(f"*{_FILE}"):
        with suppress(OSError):  # code of the session may have put anything there
            path.unlink()


class _told:  # noqa: N801 - reads as the word it is
    """Turns what the system refuses into our error."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise CheckpointFailed(f"The file of the checkpoint: {error}.") from error


def _manifest(path: Path) -> dict[str, Any]:
    """Raises OSError, CheckpointFailed."""
    try:
        plain = json.loads(path.read_bytes())
        return {"file": str(plain["file"]), "saved": plain["saved"]}
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointFailed("The manifest of the checkpoint is damaged.") from error


def _check(file: Path) -> None:
    """A worker may write what it likes."""
    if not stat.S_ISREG(file.lstat().st_mode):
        _remove(file)
        raise CheckpointFailed(_REFUSED)


def _remove(path: Path) -> None:
    """Whatever it is, and no error where it stays."""
    if stat.S_ISDIR(path.lstat().st_mode):
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
