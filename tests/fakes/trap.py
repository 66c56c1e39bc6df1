"""A program that a hostile repository names, and that must never run."""

from __future__ import annotations

from pathlib import Path


class Trap:
    """A program that leaves a trace where it is run."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "trap"
        self._ran = folder / "ran"
        self.path.write_text(f'#!/bin/sh\necho "$0 $*" >> {self._ran}\ncat\n')
        self.path.chmod(0o755)

    def sprung(self) -> bool:
        """Whether it ran since this was asked last."""
        ran = self._ran.exists()
        self._ran.unlink(missing_ok=True)
        return ran
