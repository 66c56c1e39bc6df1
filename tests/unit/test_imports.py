"""Importing inspan starts nothing; each module can be imported alone."""

import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import inspan
from inspan.settings import load

#: Run in a fresh interpreter. For each argument, a list of modules, a fork imports them and tells
#: what that left behind; -B, since writing byte code makes folders too. What is not ours and comes
#: along with the first list is imported once, before the others, and not looked at again: both
#: would be nearly all of the time.
PROBE = """
import gc, importlib, json, os, sys, threading

WATCHED = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system",
           "socket.bind", "socket.connect", "sqlite3.connect", "os.mkdir", "os.remove", "os.rename"}

def examine(names):
    acted, failed = [], ""
    sys.addaudithook(lambda name, args: acted.append(name) if name in WATCHED else None)
    try:
        for name in names:
            importlib.import_module(name)
    except Exception as error:
        failed = repr(error)
    found = []
    if "asyncio" in sys.modules:
        import asyncio
        kinds = (asyncio.AbstractEventLoop, asyncio.Future, asyncio.Queue, asyncio.Lock,
                 asyncio.Event, asyncio.Condition, asyncio.Semaphore)
        found = [type(thing).__name__ for thing in gc.get_objects() if isinstance(thing, kinds)]
    others = [name for name in sys.modules if name.partition(".")[0] not in ("inspan", "__main__")]
    return {"acted": acted, "asyncio": found, "threads": threading.active_count(),
            "failed": failed, "others": others}

told = {}
for names in sys.argv[1:]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, json.dumps(examine(names.split())).encode())
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        told[names] = json.load(pipe)
    os.waitpid(child, 0)
    others = told[names].pop("others")
    if len(told) == 1:
        for name in others:
            importlib.import_module(name)
        gc.freeze()
print(json.dumps(told))
"""

MODULES = [
    "inspan",
    *(
        info.name
        for info in pkgutil.walk_packages(inspan.__path__, "inspan.")
        if not info.name.endswith("__main__")
    ),
]
NOTHING = {"acted": [], "asyncio": [], "threads": 1, "failed": ""}


def unmeasured() -> dict[str, str]:
    """The environment without the wish of `coverage` to be imported too."""
    return {name: value for name, value in os.environ.items() if "COVERAGE" not in name}


def imported(*groups: str, path: Path | None = None) -> dict[str, Any]:
    """For each group of modules, what importing it left behind where that is not nothing."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", PROBE, *groups],
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
        cwd=path,
        env=unmeasured(),
    )
    told: dict[str, Any] = json.loads(done.stdout)
    assert set(told) == set(groups)
    return {names: what for names, what in told.items() if what != NOTHING}


def test_importing_everything_starts_nothing() -> None:
    assert len(MODULES) > 20
    assert imported(" ".join(MODULES)) == {}


@pytest.mark.timeout(300)  # some 300 forks: 10 s of a CPU, of which a busy machine has little
def test_each_module_can_be_imported_alone() -> None:
    assert imported(" ".join(MODULES), *MODULES) == {}


def test_a_light_command_imports_nothing_heavy(tmp_path: Path) -> None:
    heavy = ("asyncio", "dataclasses", "http", "inspect", "logging", "pydantic", "ssl", "yaml")
    # These take 1 to 4 ms each, which is much where all of a short command takes 60.
    small = ("locale", "math", "pathlib", "selectors", "socket", "tty")
    light = "inspan.client.sync, inspan.client.stream, inspan.cli.foreground"
    code = (
        f"import sys, {light}\n"
        "from inspan.cli import reach; from inspan.cli.main import parser_of\n"
        "parser_of('run'); reach.settings(); reach.places().door\n"
        f"print(*{{*{heavy + small}}} & sys.modules.keys())"
    )
    (tmp_path / "config.yaml").write_text("roles: {worker: 3}\n")
    # Only the first command after a change of the settings reads them by YAML.
    load(tmp_path / "config.yaml", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"PYTHONPATH": str(Path(inspan.__path__[0]).parent), "INSPAN_HOME": str(tmp_path)},
    )
    assert done.stdout.split() == []


@pytest.mark.parametrize("verb", ["events", "logs", "ls", "send", "show", "status", "wait", "why"])
def test_a_look_imports_no_dataclasses(verb: str) -> None:
    # With what they import they take 12 ms, a fifth of such a command.
    code = (
        "import sys; from inspan.cli.main import parser_of\n"
        f"import inspan.control; parser_of({verb!r})\n"
        "print(*{'asyncio', 'dataclasses', 'inspect', 'pydantic', 'yaml'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"PYTHONPATH": str(Path(inspan.__path__[0]).parent)},
    )
    assert done.stdout.split() == []


def test_the_probe_sees_what_an_import_starts(tmp_path: Path) -> None:
    (tmp_path / "loops.py").write_text("import asyncio\nloop = asyncio.new_event_loop()\n")
    (tmp_path / "starts.py").write_text("import subprocess\nsubprocess.run(['true'])\n")
    (tmp_path / "breaks.py").write_text("import nowhere_to_be_found\n")
    told = imported("json", "loops", "starts", "breaks", path=tmp_path)
    assert told["loops"]["asyncio"] != []
    assert "subprocess.Popen" in told["starts"]["acted"]
    assert "nowhere_to_be_found" in told["breaks"]["failed"]
    assert "json" not in told
