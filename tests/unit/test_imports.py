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

#: Run in a fresh interpreter. Its arguments are lists of modules, the first of which has all. Each
#: is imported where nothing else of them is, and tells what that left behind; -B, since writing
#: byte code makes folders too. What is not ours and comes along with the first list is imported
#: once, before the others, and not looked at again. A module is imported by a fork of a process
#: that has of ours what the module would bring anyway, and nothing besides. To import either anew
#: each time would be nearly all of the time.
PROBE = """
import builtins, gc, importlib, importlib.util, json, os, sys, threading

WATCHED = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system",
           "socket.bind", "socket.connect", "sqlite3.connect", "os.mkdir", "os.remove", "os.rename"}
ALL, *ALONE = sys.argv[1:]
OURS = {"__main__", *(name.partition(".")[0] for name in [*ALL.split(), *ALONE])}
acted, needs = [], {}
sys.addaudithook(lambda name, args: acted.append(name) if name in WATCHED else None)

def examine(names):
    failed, was = "", len(acted)
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
    gc.freeze()
    return {"acted": acted[was:], "asyncio": found, "threads": threading.active_count(),
            "failed": failed}

def forked(work, *args):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with open(writer, "w") as pipe:
            json.dump(work(*args), pipe)
        os._exit(0)
    os.close(writer)
    with open(reader) as pipe:
        told = json.load(pipe)
    os.waitpid(child, 0)
    return told

def everything():
    real = builtins.__import__
    def noting(name, globals=None, locals=None, fromlist=(), level=0):
        at, dots = globals or {}, "." * level
        whole = importlib.util.resolve_name(dots + name, at["__package__"]) if level else name
        named = [whole, *(f"{whole}.{one}" for one in fromlist or ())]
        needs.setdefault(at.get("__name__"), []).extend(named)
        return real(name, globals, locals, fromlist, level)
    builtins.__import__ = noting
    told = examine(ALL.split())
    others = [name for name in sys.modules if name.partition(".")[0] not in OURS]
    return told, needs, others

def brought(name):
    found, new = set(), [name]
    while new:
        one = new.pop()
        above = one.rpartition(".")[0]
        more = {other for other in (above, *needs.get(one, ())) if other in ALONE} - found
        found |= more
        new += more
    return found

def grown(name):
    told = {name: examine([name])}
    *most, last = below.get(name) or [None]
    for other in most:
        told |= forked(grown, other)
    return told | (grown(last) if last else {})

told = {}
told[ALL], needs, others = forked(everything)
for name in others:
    importlib.import_module(name)
gc.freeze()
brings = {name: brought(name) for name in ALONE}
below = {}
for name in ALONE:
    first = [other for other in brings[name] if name not in brings[other]]
    below.setdefault(max(first, key=lambda one: len(brings[one]), default=""), []).append(name)
for name in below.get("", ()):
    told |= forked(grown, name)
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


@pytest.mark.timeout(300)  # hundreds of forks: some seconds, of which a busy machine has few
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


def test_the_probe_sees_what_others_have_to_import_before(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "part.py").write_text("import package\n")
    (tmp_path / "brings.py").write_text("import package.part\n")
    (tmp_path / "leans.py").write_text("import package\npackage.part\n")
    (tmp_path / "first.py").write_text("import second\nthing = 1\n")
    (tmp_path / "second.py").write_text("from first import thing\n")
    names = ("package", "package.part", "brings", "leans", "second", "first")
    told = imported(" ".join(names), *names, path=tmp_path)
    assert "part" in told.pop("leans")["failed"]
    assert "circular" in told.pop("first")["failed"]
    assert told == {}
