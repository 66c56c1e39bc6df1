from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspan.client.launch import LOG, LOG_MOST, launch, listens
from inspan.errors import DaemonUnreachable, StoreLocked

#: Stands in for ``inspan.daemon``: listens, tells that it is ready and stays, or why it cannot.
APP = """
import os, socket, sys, time
ready = int(sys.argv[sys.argv.index("--ready") + 1])
with open(os.environ["BORN"], "a") as born:
    born.write(f"{os.getpid()} {os.getppid()} {os.getsid(0)} {os.getcwd()}\\n")
trouble = os.environ.get("TROUBLE")
if trouble == "silent":
    sys.exit(3)
if trouble == "mute":
    import select
    poll = select.poll()
    poll.register(ready, 0)
    poll.poll(30_000)  # until the launcher hangs up
    sys.exit(4)
if trouble == "loud":
    raise SystemExit("\\x1b]0;evil\\x07it is \\x1b[31mbroken")
if trouble:
    os.write(ready, trouble.encode())
    sys.exit(1)
listener = socket.socket(socket.AF_UNIX)
listener.bind(os.environ["SOCKET"])
listener.listen()
os.write(ready, b"ready\\n")
os.close(ready)
while True:
    listener.accept()[0].close()
"""


class Place:
    """A world for one daemon."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "run" / "daemon.sock"
        self.state = folder / "state"
        self.logs = self.state / "logs"
        self.born = folder / "born"
        self.socket.parent.mkdir(mode=0o700)
        self.state.mkdir()
        app = folder / "lib" / "inspan"
        app.mkdir(parents=True)
        (app / "__init__.py").write_text("")
        (app / "daemon.py").write_text(APP)
        self.env = {
            **os.environ,
            "PYTHONPATH": os.fspath(app.parent),
            "SOCKET": os.fspath(self.socket),
            "BORN": os.fspath(self.born),
        }

    def launch(self, **env: str) -> None:
        launch(self.socket, self.state, self.logs, {**self.env, **env})

    def births(self) -> list[list[str]]:
        if not self.born.exists():
            return []
        return [line.split() for line in self.born.read_text().splitlines()]


@pytest.fixture
def place() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="inspan-") as folder:
        made = Place(Path(folder))
        yield made
        for pid, *_ in made.births():
            if listens(made.socket):
                os.kill(int(pid), signal.SIGKILL)


def test_it_is_started_once_and_apart(place: Place) -> None:
    assert not listens(place.socket)
    place.launch()
    assert listens(place.socket)
    place.launch()
    ((pid, parent, session, folder),) = place.births()
    assert int(parent) != os.getpid()
    assert int(session) not in (os.getsid(0), int(pid))
    assert Path(folder) == place.state.resolve()
    assert (place.logs / LOG).stat().st_mode & 0o777 == 0o600


def test_many_who_want_it_at_once_start_one(place: Place) -> None:
    code = (
        "import os, sys; from pathlib import Path; from inspan.client.launch import launch\n"
        "env = dict(os.environ, PYTHONPATH=sys.argv[4])\n"
        "launch(*(Path(one) for one in sys.argv[1:4]), env)"
    )
    paths = [os.fspath(one) for one in (place.socket, place.state, place.logs)]
    env = {**place.env, "PYTHONPATH": ""}
    started = [
        subprocess.Popen([sys.executable, "-c", code, *paths, place.env["PYTHONPATH"]], env=env)
        for _ in range(4)
    ]
    assert [one.wait(30) for one in started] == [0] * 4
    assert len(place.births()) == 1


def test_threads_that_want_it_at_once_start_one(place: Place) -> None:
    threads = [threading.Thread(target=place.launch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(place.births()) == 1


def test_what_keeps_it_from_starting_is_said_in_its_own_words(place: Place) -> None:
    told = '{"code": "store-locked", "message": "process 7 holds it", "hint": "stop it"}\n'
    with pytest.raises(StoreLocked, match="process 7 holds it") as caught:
        place.launch(TROUBLE=told)
    assert caught.value.hint == "stop it"


def test_an_end_without_a_word_is_said_with_the_log(place: Place) -> None:
    with pytest.raises(DaemonUnreachable, match="it said nothing") as caught:
        place.launch(TROUBLE="silent")
    assert os.fspath(place.logs / LOG) in caught.value.hint


def test_its_last_words_are_told_without_their_escapes(place: Place) -> None:
    with pytest.raises(DaemonUnreachable) as caught:
        place.launch(TROUBLE="loud")
    assert caught.value.message.endswith("it said: ]0;evilit is [31mbroken")


def test_a_daemon_that_failed_does_not_keep_the_next_from_starting(place: Place) -> None:
    with pytest.raises(DaemonUnreachable):
        place.launch(TROUBLE="silent")
    place.launch()
    assert listens(place.socket)


def test_a_folder_that_cannot_be_is_said(place: Place) -> None:
    place.state.rmdir()
    with pytest.raises(DaemonUnreachable, match="cannot be started"):
        launch(place.socket, place.state / "x", place.socket.parent, place.env)


def test_a_large_log_makes_room(place: Place) -> None:
    place.logs.mkdir()
    with (place.logs / LOG).open("wb") as log:
        log.truncate(LOG_MOST + 1)  # it takes no room
    place.launch()
    assert (place.logs / LOG).stat().st_size == 0
    assert (place.logs / "daemon.log.1").stat().st_size == LOG_MOST + 1


def test_a_link_in_place_of_the_log_is_not_followed(place: Place) -> None:
    place.logs.mkdir()
    target = place.state / "precious"
    target.write_text("kept")
    (place.logs / LOG).symlink_to(target)
    with pytest.raises(DaemonUnreachable):
        place.launch()
    assert target.read_text() == "kept"


def test_a_runtime_folder_that_cannot_be_is_said(place: Place) -> None:
    (place.state / "file").touch()
    with pytest.raises(DaemonUnreachable, match="cannot be started"):
        launch(place.state / "file" / "d.sock", place.state, place.logs, place.env)


def test_a_python_that_cannot_start_is_said_with_its_words(place: Place) -> None:
    with pytest.raises(DaemonUnreachable, match="could not start; it said: "):
        place.launch(PYTHONHOME="/nowhere")


def test_one_that_is_never_ready_is_given_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspan.client.launch.PATIENCE", 0.1)
    with pytest.raises(DaemonUnreachable, match=r"not ready after 0\.1 seconds"):
        place.launch(TROUBLE="mute")
