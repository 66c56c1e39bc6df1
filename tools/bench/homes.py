"""A state directory of its own with a daemon and a keeper, stopped and removed in the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inspan.client.launch import launch
from inspan.client.sync import SyncControl
from inspan.model.task import Patience, TaskSpec
from inspan.settings import Places, locate

INSPAN = str(Path(sys.executable).with_name("inspan"))
PATIENCE = 60.0


class Home:
    """Where one daemon keeps its state, and how it is reached."""

    def __init__(self, folder: Path, config: str) -> None:
        folder.mkdir(mode=0o700)
        (folder / "config.yaml").write_text(config)
        self.env = {**os.environ, "INSPAN_HOME": str(folder)}
        self.places: Places = locate(self.env)

    def start(self) -> None:
        """Return when the daemon is ready."""
        places = self.places
        places.prepare()
        launch(places.daemon_socket, places.state_dir, places.logs, self.env)

    def control(self) -> SyncControl:
        return SyncControl(self.places.daemon_socket)

    def pids(self) -> tuple[int, int]:
        """The daemon and the keeper."""
        with self.control() as control:
            health = control.health()
        if health.keeper is None:
            raise RuntimeError("the keeper is gone")
        return health.daemon.pid, health.keeper.pid

    def spec(self, *command: str) -> TaskSpec:
        """A task that nothing limits, on pipes or a terminal as by default."""
        env = {"PATH": os.environ["PATH"]}
        patience = Patience(deadline=None, idle=None, lifted=True)
        return TaskSpec(command=command, cwd="/", env=env, patience=patience)

    def stop(self) -> None:
        """Stop the daemon, the keeper and what runs."""
        command = [INSPAN, "down", "--keeper", "--force"]
        subprocess.run(command, env=self.env, check=True, timeout=PATIENCE, capture_output=True)


@contextmanager
def home(folder: Path, config: str = "{}\n") -> Iterator[Home]:
    """A home in ``folder`` in which nothing runs yet."""
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as here:
        made = Home(Path(here) / "home", config)
        try:
            yield made
        finally:
            made.stop()
            shutil.rmtree(made.places.runtime_dir, ignore_errors=True)


def until_ended(control: SyncControl, tasks: set[str], seconds: float = PATIENCE) -> None:
    """Wait until all of ``tasks`` have ended."""
    end = time.monotonic() + seconds
    while tasks:
        found = control.wait(next(iter(tasks)), timeout=max(0.0, end - time.monotonic()))
        if not found.done:
            raise TimeoutError(f"{len(tasks)} tasks did not end; one is {found.state}")
        tasks.discard(found.id)
