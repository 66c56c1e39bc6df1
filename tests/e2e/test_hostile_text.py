"""Names, prompts, questions, output and errors that try to steer the terminal that lists them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspan.terminal.announce import Waiting, encode
from tests.real.console import Console
from tests.real.daemon import until

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("A11", "B6")]

#: The clipboard, the title, a hyperlink, moves of the cursor, the alternate screen, the mouse, a
#: question whose answer would be typed, C1 in both forms, DCS, APC, bidi, invisible letters.
TRICKS = (
    "\x1b]52;c;b3duZWQh\x07",
    "\x1b]0;owned\x1b\\",
    "\x1b]8;;http://evil.example\x07click\x1b]8;;\x07",
    "\x1b[2J\x1b[H\x1b[9A\x1b[2K",
    "\x1b[?1049h\x1b[?1000h\x1b[?25l",
    "\x1b[5n\x1b[c\x1b[6n",
    "\u009b31m\u009d0;owned\u009c\u0090q\u009c\x85",
    '\x1bP$q"p\x1b\\\x1b_hidden\x1b\\\x1b^also\x1b\\',
    "\u202egnp.exe\u202c\u2066\u2069\u200f\u061c",
    "in\u200bvis\u00adible\ufeff\U000e0041",
    "\r\x08\x08\x08fake\x7f\x0b\x0c",
    "\x1b]never closed",
)
EVIL = "harmless" + "".join(TRICKS)
SGR = re.compile(r"\x1b\[[0-9;]*m")
#: C1 as single bytes is no UTF-8; a program may print it all the same.
BYTES = EVIL.encode() + b"\x9b2J\x9d0;owned\x9c\xff\xfe\n" + b"last line\n"


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console() as console:
        yield console


@pytest.fixture(scope="module")
def task(console: Console) -> str:
    """A task that failed, and is evil wherever somebody else's words are kept."""
    (console.home / "bytes").write_bytes(BYTES)
    evil = shlex.quote(EVIL)
    names = ("--name", EVIL, "--label", f"{EVIL}={EVIL}", "--env", f"EVIL={EVIL}")
    line = f"cat bytes; cat bytes >&2; : {evil}; exit 3"
    checks = ("--check", f"false {evil}")
    task = console.say("add", "--no-pty", *names, *checks, "--", "sh", "-c", line)
    console.run("wait", task)
    return task


@pytest.fixture(scope="module")
def asking(console: Console) -> str:
    """A task that asks something evil, with evil choices."""
    (console.home / "asks").write_bytes(encode(Waiting("question", EVIL, ("yes", EVIL))))
    task = console.say("add", "--", "sh", "-c", "cat asks; read answer")
    told = ("waiting", "failed", "error")
    until(lambda: json.loads(console.say("show", task, "--json"))["state"] in told, "its question")
    return task


@pytest.fixture(scope="module")
def prompted(console: Console) -> str:
    """A task whose prompt is evil, and so is what it says."""
    script = json.dumps({"steps": [{"say": EVIL}]}, ensure_ascii=False)
    task = console.say("add", "--provider", "scripted", "--prompt", script)
    console.run("wait", task)
    return task


def harmless(text: str, *, but: str = "\n") -> None:
    """Every character is one to look at, and nothing more."""
    wrong = {
        character for character in text if character not in but and not character.isprintable()
    }
    assert wrong == set(), text


def test_in_a_pipe_nothing_but_text_is_printed(
    console: Console, task: str, asking: str, prompted: str, tmp_path: Path
) -> None:
    (console.home / "tasks.yaml").write_text(
        json.dumps(
            [{"name": EVIL, "run": f"false {shlex.quote(EVIL)}"}, {"name": "b", "run": "true"}]
        )
    )
    for words in (
        ("ls",),
        ("ls", "--all"),
        ("show", task),
        ("show", task, "--events"),
        ("show", asking),
        ("show", prompted),
        ("logs", prompted),
        ("events",),
        ("events", task),
        ("wait", task),
        ("wait", asking),
        ("run", "tasks.yaml"),
        ("run", "--name", EVIL, "--check", f"false {shlex.quote(EVIL)}", "--", "true"),
        ("run", "--", f"no-such-{EVIL}"),
        ("run", "--after", EVIL, "--", "true"),
        ("run", "--role", EVIL, "--provider", EVIL, "--", "true"),
        ("show", EVIL),
        ("status", "--home", str(tmp_path / EVIL.replace("/", ""))),
        ("answer", task, EVIL),
        (EVIL,),
        ("ls", EVIL),
        ("ls", "--state", EVIL),
        ("run", "--timeout", EVIL, "--", "true"),
    ):
        ran = console.run(*words)
        harmless((ran.stdout + ran.stderr).decode())
        assert ran.stdout + ran.stderr, words


def test_json_is_plain_ascii_and_exact(console: Console, task: str, asking: str) -> None:
    for words in (("ls", "--all", "--json"), ("events", "--json"), ("wait", task, "--json")):
        printed = console.run(*words).stdout
        assert printed.isascii()
        harmless(printed.decode())
    told = json.loads(console.say("show", task, "--json"))
    assert told["spec"]["name"] == EVIL
    assert told["spec"]["labels"] == {EVIL: EVIL}
    question = json.loads(console.say("show", asking, "--json"))
    assert question["state"] == "waiting"
    # What is read off a terminal is made safe when it is read.
    harmless(question["needs"]["question"])
    ran = console.run("run", "--json", "--name", EVIL, "--", f"no-such-{EVIL}")
    assert ran.stdout.isascii()
    harmless(ran.stderr.decode())


@pytest.mark.parametrize("words", [("ls",), ("show",), ("events",), ("logs",), ("wait",)])
def test_on_a_terminal_there_are_colours_and_nothing_else(
    console: Console, task: str, words: tuple[str, ...]
) -> None:
    command = words if words == ("ls",) else (*words, task)
    with console.terminal(*command) as screen:
        screen.finish()
        output = screen.output.decode()
    harmless(SGR.sub("", output).replace("\r\n", "\n"), but="\n\t")
    assert "harmless" in output or words in [("events",), ("wait",)]


@pytest.mark.parametrize("follow", [(), ("--follow",)])
def test_logs_are_cleaned_and_raw_ones_are_exact(
    console: Console, task: str, follow: tuple[str, ...]
) -> None:
    for stream in ("--stdout", "--stderr"):
        ran = console.run("logs", stream, *follow, task)
        harmless(ran.stdout.decode(), but="\n\t")
        assert ran.stdout.decode().startswith("harmless")
        assert ran.stdout.endswith(b"last line\n")
        raw = console.run("logs", "--raw", stream, *follow, task)
        assert (raw.stdout, raw.stderr) == (BYTES, b"")


def test_a_terminals_recording_is_exact_too(console: Console) -> None:
    task = console.say("add", "--pty", "--", "sh", "-c", "stty raw -echo; cat bytes")
    console.run("wait", task)
    assert console.run("logs", "--raw", task).stdout == BYTES
    harmless(console.run("logs", task).stdout.decode(), but="\n\t")


def test_the_live_view_shows_what_others_wrote_as_text(console: Console) -> None:
    (console.home / "live.yaml").write_text(
        json.dumps([{"name": EVIL, "run": f"false {shlex.quote(EVIL)}"}])
    )
    with console.terminal("run", "live.yaml") as screen:
        status = screen.finish()
        output = screen.output.decode()
    assert status == 1, output
    # It moves the cursor itself; none of the tricks is among what it does.
    for trick in (
        "\x1b]",
        "\x1bP",
        "\x1b_",
        "\x1b^",
        "1049",
        "1000h",
        "\x1b[2J",
        "\x1b[5n",
        "\x1b[c",
    ):
        assert trick not in output
    harmless(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", output), but="\r\n")
