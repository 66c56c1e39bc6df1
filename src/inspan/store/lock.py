"""The lock file beside the database: one owner at a time, and who it is.

It knows nothing of SQLite. The lock is the kernel's (flock), so it goes with its process,
however that ends; the text inside only tells a person whom to ask.
"""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path
from typing import Self

from inspan.errors import StoreFailed, StoreLocked

NAME = "inspan.lock"


class LockFile:
    """Held from construction until ``release``, or within a ``with`` block."""

    def __init__(self, folder: Path, name: str = NAME) -> None:
        """Take the lock ``name`` in ``folder``, which is made, mode 0700, where it is missing.

        Raises:
            StoreLocked: with the pid and the command of the process that holds it.
            StoreFailed: the folder or the file cannot be made.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreFailed(
                f"the lock file in {folder} cannot be opened: {error.strerror}",
                hint="Check who owns the folder, or choose another INSPAN_HOME.",
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._file, 4096).decode("utf-8", "replace").strip()
            os.close(self._file)
            who = " ".join(holder.split()) or "a process that did not say its name"
            raise StoreLocked(f"the database in {folder} is held by {who}") from None
        # A program that was given as text is no name of anything.
        words = ("…" if "\n" in word else word for word in sys.orig_argv)
        command = " ".join(words).encode("utf-8", "replace")[:1024]
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, b"pid %d\n%s\n" % (os.getpid(), command), 0)

    @classmethod
    def of(cls, database: Path) -> Self:
        """The lock of one database; those of others in its folder are free."""
        return cls(database.parent, f"{database.stem}.lock")

    def release(self) -> None:
        """Let go of it. The file stays: removing it would let two processes lock two files."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
