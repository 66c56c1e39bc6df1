"""Sessions that have a name, as a person or a script uses them: real daemons, real workers."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspan.cli.py import SESSION_VERBS
from inspan.cli.py_sessions import VERBS
from tests.real.console import PATIENCE, Console, Screen
from tests.real.pysessions import (
    cell,
    names,
    printed,
    py,
    read_line,
    refused,
    sessions,
    typed,
)

pytestmark = [pytest.mark.timeout(90), pytest.mark.requirement("D1", "D5", "D9", "D10")]


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console() as console:
        yield console


def test_a_session_remembers_until_it_is_closed(console: Console, tmp_path: Path) -> None:
    status, out, err = py(console, "--session", "lab", "-c", "rows = [*range(9)]; print('made')")
    assert (status, out) == (0, "made\n")
    assert err == "inspan: opened the session lab; `inspan py close lab` ends it\n"
    assert py(console, "--session", "lab", "-c", "sum(rows)") == (0, "36\n", "")
    program = tmp_path / "program.py"
    program.write_text("import sys\nprint(len(rows), sys.argv[1:])\n")
    assert py(console, "--session", "lab", str(program), "-x") == (0, "9 ['-x']\n", "")
    assert py(console, "--session", "lab", given=b"print(rows[-1])\n") == (0, "8\n", "")
    assert names(console) == ["lab"]
    assert re.search(r"^lab +ready +\w{6} ", console.say("py", "ls"), re.MULTILINE)
    assert re.search(r"^py +1 ready$", console.say("status"), re.MULTILINE)
    assert json.loads(console.say("status", "--json"))["code_sessions"] == {"ready": 1}
    assert py(console, "close", "lab") == (0, "lab is closed\n", "")
    assert names(console) == []
    assert names(console, "--all") == ["lab"]
    assert console.say("py", "ls").startswith("no session is open; `inspan py ls --all` lists")
    assert re.search(r"^lab +closed ", console.say("py", "ls", "--all"), re.MULTILINE)
    assert cell(console, "lab", "'rows' in globals()") == "False\n"
    console.say("py", "close", "lab")


def test_what_a_cell_raises_is_told_and_the_session_stays(console: Console) -> None:
    status, out, err = py(console, "--session", "raising", "-c", "kept = 1; 1 / 0")
    assert (status, out) == (1, "")
    assert err.endswith("ZeroDivisionError: division by zero\n")
    assert py(console, "--session", "raising", "-c", "import sys; sys.exit(7)")[0] == 7
    assert cell(console, "raising", "kept") == "1\n"
    told = json.loads(console.say("py", "--json", "--session", "raising", "-c", "kept"))
    assert (told["value"], told["stdout"]) == (1, "")
    console.say("py", "close", "raising")


def test_a_file_that_is_run_again_is_told_with_its_new_lines(
    console: Console, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    for line in ("return 1 / 0", "return {}['no']"):
        program.write_text(f"print(__file__)\ndef f():\n    {line}\nf()\n")
        status, out, err = py(console, "--session", "files", str(program))
        assert (status, out) == (1, f"{program}\n")
        assert f'  File "{program}", line 3, in f\n    {line}\n' in err
    console.say("py", "close", "files")


def test_a_line_that_a_cell_asks_for_is_read(console: Console) -> None:
    ask = ("--session", "asking", "-c", "input('who? '), input()")
    assert py(console, *ask, given=b"ada\nbob\n")[:2] == (0, "who? ('ada', 'bob')\n")
    status, _, err = py(console, *ask, given=b"ada\n")
    assert (status, "EOFError" in err) == (1, True)
    console.say("py", "close", "asking")


@pytest.mark.parametrize("how", ["ctrl-c", "verb"])
def test_a_cell_is_interrupted_and_its_names_stay(console: Console, how: str) -> None:
    process = console.start("py", "--session", how, "-c", "kept = 2\nprint('on')\nwhile True: pass")
    assert read_line(process) == b"on\n"
    if how == "verb":
        assert py(console, "interrupt", how) == (0, "cell 1 interrupted\n", "")
    else:
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert b"KeyboardInterrupt" in err
    assert cell(console, how, "kept") == "2\n"
    assert py(console, "interrupt", how) == (0, "", "inspan: no cell was running\n")
    console.say("py", "close", how)


def test_two_use_one_session_and_a_third_watches(console: Console) -> None:
    cell(console, "shared", "turns = []")
    watcher = console.start("py", "log", "--follow", "--json", "shared")
    both = [
        console.start("py", "--session", "shared", "-c", f"turns.append({number}); print('hi')")
        for number in range(2)
    ]
    for process in both:
        assert process.communicate(timeout=PATIENCE) == (b"hi\n", b"")
    assert cell(console, "shared", "sorted(turns)") == "[0, 1]\n"
    console.say("py", "close", "shared")
    out, _ = watcher.communicate(timeout=PATIENCE)
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["seq"] for event in events] == [*range(1, len(events) + 1)]
    assert [event["kind"] for event in events].count("cell.ended") == 4
    assert events[-1]["kind"] == "code.ended"


def test_the_log_shows_cells_and_cannot_steer_a_terminal(console: Console) -> None:
    py(console, "--session", "book", "-c", "print('\\x1b[2Jred', end='')\n6 * 7")
    py(console, "--session", "book", "-c", "1 / 0", "a word")
    log = console.say("py", "log", "book")
    assert "\x1b" not in log
    assert ">>> print('\\x1b[2Jred', end='')\n... 6 * 7\nred\n42\n" in log
    assert "sys.argv" not in log
    assert "ZeroDivisionError: division by zero" in log
    console.say("py", "close", "book")


def test_the_log_keeps_the_shape_of_code_values_and_tracebacks(console: Console) -> None:
    code = "def half(n):\n    return n  /  0\n"
    table = "class Table:\n    def __repr__(self):\n        return 'a  b\\n  1\\x1b[2J'\nTable()"
    for one in (code, table, "half(1)"):
        py(console, "--session", "shape", "-c", one)
    log = console.say("py", "log", "shape")
    assert ">>> def half(n):\n...     return n  /  0\n#" in log
    assert "... Table()\na  b\n  1\n#" in log
    assert '\n  File "<cell 1>", line 2, in half\n    return n  /  0\n' in log
    console.say("py", "close", "shape")


def test_an_id_its_end_and_the_newest_will_do(console: Console) -> None:
    cell(console, "one", "1")
    cell(console, "two", "1")
    full = sessions(console)[0]["id"]
    for word in (full, full[-6:], full[3:20]):
        assert cell(console, word, "'one'") == "'one'\n"
    assert console.say("py", "close", "last") == "two is closed"
    assert console.say("py", "close", full[-6:]) == "one is closed"
    said = refused(console, "log", "01")
    assert "there is no session '01'" in said


def test_the_door_knows_every_verb() -> None:
    assert tuple(VERBS) == SESSION_VERBS


def test_the_document_shows_what_is_printed(console: Console) -> None:
    text = (Path(__file__).parents[2] / "docs/kernel.md").read_text(encoding="utf-8")
    (block,) = re.findall(
        r"^## Sessions that stay\n.*?^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL
    )
    for command, shown in typed(block):
        said = printed(console, command)
        assert re.fullmatch(re.escape(shown).replace("…", ".+"), said), (command, said)


def asks(screen: Screen, after: bytes) -> None:
    """Wait until it asks for a cell after it has shown ``after``."""
    screen.until(after)
    screen.output = screen.output.partition(after)[2]
    screen.until(b">>>")


def test_a_prompt_goes_on_where_the_last_one_was_left(console: Console) -> None:
    with console.terminal("py", "--session", "desk") as prompt:
        asks(prompt, b"in the session desk, in ")
        prompt.press(b"x = 41; x * 1000 + 1\r")
        asks(prompt, b"41001\r\n")
        prompt.press(b"input('w' + 'ho? ')\r")
        prompt.until(b"who? ")
        prompt.press(b"\x03")
        asks(prompt, b"KeyboardInterrupt")
        prompt.press(b"\x04")
        assert prompt.finish() == 0
    with console.terminal("py", "--session", "desk") as prompt:
        asks(prompt, b"in the session desk, in ")
        prompt.press(b"x * 1000 + 2\r")
        asks(prompt, b"41002\r\n")
        prompt.press(b"exit(3)\r")
        assert prompt.finish() == 3
    assert cell(console, "desk", "x") == "41\n"
    console.say("py", "close", "desk")
