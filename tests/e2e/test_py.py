"""``inspan py`` as a person or a script uses it: real sessions, real signals."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspan.settings import locate
from tests.real.console import PATIENCE, Console

pytestmark = [pytest.mark.timeout(60), pytest.mark.requirement("D1", "D3", "D5", "D9")]


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console() as console:
        yield console


def py(console: Console, *words: str, given: bytes | None = None) -> tuple[int, str, str]:
    ran = console.run("py", *words, given=given)
    return ran.returncode, ran.stdout.decode(), ran.stderr.decode()


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("6 * 7", "42\n"),
        ("import asyncio\nawait asyncio.sleep(0)\n'after'", "'after'\n"),
        ("import os\nos.system('echo from a child')", "from a child\n0\n"),
        ("print('a'); print('b')", "a\nb\n"),
        ("import sys; sys.argv", "['-c', 'one', '--two']\n"),
    ],
)
def test_a_line_prints_what_it_prints_and_its_last_value(
    console: Console, code: str, printed: str
) -> None:
    assert py(console, "-c", code, "one", "--two") == (0, printed, "")


def test_an_exception_is_told_on_stderr_with_its_lines(console: Console) -> None:
    status, out, err = py(console, "-c", "def f():\n    return 1 / 0\nprint('x')\nf()")
    assert (status, out) == (1, "x\n")
    assert '  File "<cell 1>", line 2, in f\n    return 1 / 0\n' in err
    assert err.endswith("ZeroDivisionError: division by zero\n")


@pytest.mark.parametrize(
    ("code", "status", "err"),
    [
        ("raise SystemExit", 0, ""),
        ("import sys; sys.exit(7)", 7, ""),
        ("import sys; sys.exit('no such luck')", 1, "no such luck\n"),
        ("import sys; sys.exit('1')", 1, "1\n"),
    ],
)
def test_sys_exit_means_what_it_means_to_python(
    console: Console, code: str, status: int, err: str
) -> None:
    found, _, said = py(console, "-c", code)
    assert (found, said) == (status, err)


def test_a_file_has_its_arguments_and_its_folder(console: Console, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("WORD = 'found'\n")
    program = tmp_path / "program.py"
    program.write_text("import sys, beside\nprint(beside.WORD, sys.argv[1:])\n'not printed'\n")
    assert py(console, str(program), "-x", "y") == (0, "found ['-x', 'y']\n", "")


def test_a_file_knows_its_name_and_a_traceback_has_it(console: Console, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("print(__file__)\ndef f():\n    return 1 / 0\nf()\n")
    status, out, err = py(console, str(program))
    assert (status, out) == (1, f"{program}\n")
    assert f'  File "{program}", line 3, in f\n    return 1 / 0\n' in err


def test_a_pipe_is_a_program(console: Console) -> None:
    assert py(console, given=b"print(1)\nprint(2)\n") == (0, "1\n2\n", "")


def test_input_is_read_from_the_pipe(console: Console) -> None:
    code = "print(input('name? ').upper()); input()"
    status, out, err = py(console, "-c", code, given=b"ada\n")
    assert (status, out) == (1, "name? ADA\n")
    assert "EOFError" in err


def test_json_is_one_object(console: Console) -> None:
    status, out, _ = py(console, "--json", "-c", "print('seen'); 1.5")
    assert status == 0
    told = json.loads(out)
    assert (told["stdout"], told["value"], told["repr"]) == ("seen\n", 1.5, "1.5")
    status, out, _ = py(console, "--json", "-c", "{}['key']")
    assert status == 1
    assert json.loads(out)["error"]["name"] == "KeyError"


def test_a_session_reads_here_and_says_what_would_let_it_write(
    console: Console, tmp_path: Path
) -> None:
    (tmp_path / "beside.txt").write_text("seen")
    program = tmp_path / "program.py"
    program.write_text("import sys, os\nos.chdir(os.path.dirname(sys.argv[1]))\nopen('new', 'w')")
    status, _, err = py(console, str(program), str(program))
    assert status == 1
    assert err.endswith(
        "OSError: [Errno 30] Read-only file system: 'new'\n"
        f"This session may not write there: `inspan py --write {tmp_path}` grants it.\n"
    )
    assert py(console, "--write", str(tmp_path), str(program), str(program)) == (0, "", "")
    assert (tmp_path / "new").exists()


def test_grants_and_limits_are_flags(console: Console, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("42")
    code = f"print(open({str(secret)!r}).read())"
    status, _, err = py(console, "-c", code)
    assert (status, f"`inspan py --read {secret}` grants it" in err) == (1, True)
    for flag in (["--read", str(secret)], ["--no-sandbox"]):
        assert py(console, *flag, "-c", code) == (0, "42\n", "")
    assert py(console, "--require-sandbox", "--files", "99", "-c", "1") == (0, "1\n", "")
    status, _, err = py(console, "--memory", "300M", "-c", "bytearray(1 << 30)")
    assert (status, "`inspan py --memory` sets another limit" in err) == (1, True)
    status, _, err = py(console, "--cpu", "1s", "-c", "while True: pass")
    assert (status, "used up the CPU time" in err) == (1, True)
    for wrong in (
        ["--read", "/no/such"],
        ["--memory", "much"],
        ["--no-sandbox", "--require-sandbox"],
    ):
        assert py(console, *wrong, "-c", "1")[0] == 2


@pytest.mark.parametrize("code", ["while True: pass", "import time; time.sleep(60)"])
def test_ctrl_c_interrupts_the_code(console: Console, code: str) -> None:
    process = console.start("py", "-c", f"print('on', flush=True)\n{code}")
    assert process.stdout is not None
    assert process.stdout.readline() == b"on\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert b"KeyboardInterrupt" in err


def test_what_cannot_be_run_is_said(console: Console, tmp_path: Path) -> None:
    status, _, err = py(console, str(tmp_path / "none.py"))
    assert (status, "No such file" in err) == (2, True)
    status, _, err = py(console, "--python", "/no/python", "-c", "1")
    assert status != 0
    assert "hint" in err
    status, _, err = py(console, "-c", "import os; os._exit(3)")
    assert (status, err.count("\n")) == (1, 2)
    assert "ended with status 3" in err
    assert "restore" not in err


def test_a_session_leaves_nothing(console: Console) -> None:
    child = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid)"
    status, out, _ = py(console, "-c", child)
    assert status == 0
    assert not Path(f"/proc/{int(out)}").exists()
    assert list(locate(console.env).code.iterdir()) == []


def test_a_session_ends_with_its_program_however_that_ends(console: Console) -> None:
    code = """
import os, subprocess
sleeps = [subprocess.Popen(["sleep", "60"], start_new_session=on).pid for on in (False, True)]
print(os.getpid(), *sleeps, flush=True)
while True: pass
"""
    process = console.start("py", "-c", code)
    neighbour = console.start("py", "-c", "print(1, flush=True); input()", stdin=subprocess.PIPE)
    assert process.stdout is not None
    assert neighbour.stdout is not None
    pids = [Path("/proc", word) for word in process.stdout.readline().decode().split()]
    assert len(pids) == 3
    assert neighbour.stdout.readline() == b"1\n"
    process.kill()
    process.communicate(timeout=PATIENCE)
    deadline = time.monotonic() + PATIENCE
    while any(pid.exists() for pid in pids):
        assert time.monotonic() < deadline, "the worker or a child outlived its program"
        time.sleep(0.01)
    where = locate(console.env)
    assert len(list(where.code.iterdir())) == 2
    assert py(console, "-c", "'next'") == (0, "'next'\n", "")
    assert len(list(where.code.iterdir())) == 1
    assert len(list(where.runtime_dir.glob("py-*"))) == 1
    assert neighbour.communicate(b"\n", timeout=PATIENCE)[1] == b""
    assert neighbour.returncode == 0
    assert list(where.code.iterdir()) == list(where.runtime_dir.glob("py-*")) == []


def test_the_daemon_leaves_sessions_alone(console: Console) -> None:
    process = console.start("py", "-c", "print(input())", stdin=subprocess.PIPE)
    console.say("up")
    out, err = process.communicate(b"still here\n", timeout=PATIENCE)
    assert (process.returncode, out, err) == (0, b"still here\n", b"")


def test_another_python_needs_no_inspan(console: Console) -> None:
    code = "import importlib.util; importlib.util.find_spec('inspan') is None"
    base = Path(sys.base_prefix, "bin", "python3")
    assert py(console, "--python", str(base), "-c", code) == (0, "True\n", "")
