import importlib.util
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from inspan.cli.main import VERBS, main, module_of, parser_of, top_help

pytestmark = pytest.mark.requirement("A11")

_VERBS = [verb for group in VERBS.values() for verb in group]

#: What must never be loaded to print a help, and what no common verb may need at its start.
_HEAVY = (
    "asyncio",
    "pydantic",
    "rich",
    "yaml",
    "starlette",
    "uvicorn",
    "anyio",
    "psutil",
    "sqlite3",
)


def _inspan(*words: str | bytes, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "inspan.cli.main", *words],
        capture_output=True,
        text=True,
        errors="surrogateescape",
        env={**os.environ, "INSPAN_HOME": str(home)},
        check=False,
        timeout=30,
    )


def _loaded(code: str) -> set[str]:
    """What ``code`` loads, beyond what the interpreter and its site have loaded before."""
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys\nbefore = {{*sys.modules}}\n{code}\n"
            "print(*({*sys.modules} - before), sep='\\n', file=sys.stderr)",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return {name.partition(".")[0] for name in told.stderr.split()}


def test_the_help_loads_neither_a_verb_nor_argparse() -> None:
    loaded = _loaded("from inspan.cli.main import main\nmain(['--help'])")
    assert not loaded & {*_HEAVY, "argparse", "dataclasses", "pathlib", "json"}


@pytest.mark.parametrize("verb", ["run", "ls", "show", "logs", "send", "wait", "status", "add"])
def test_a_common_verb_loads_nothing_heavy(verb: str) -> None:
    code = f"from inspan.cli.main import parser_of\nparser_of({verb!r})\nimport inspan.client.sync"
    assert not _loaded(code) & set(_HEAVY)


@pytest.mark.parametrize("verb", _VERBS)
def test_every_verb_has_a_module_with_help_and_takes_a_home(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert importlib.util.find_spec(module_of(verb)) is not None
    parser, module = parser_of(verb)
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert told.startswith(f"usage: inspan {verb}")
    assert "--home DIR" in told
    assert module.HELP.splitlines()[0].split()[0] in told


@pytest.mark.parametrize("verb", _VERBS)
def test_a_help_fits_in_80_columns(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((80, 24)))
    parser, _ = parser_of(verb)
    parser.print_help()
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_the_help_names_every_verb_once() -> None:
    lines = top_help().splitlines()
    for verb in _VERBS:
        assert sum(line.startswith(f"  {verb} ") for line in lines) == 1


def test_without_a_verb_the_help_is_shown_and_the_status_is_that_of_a_mistake(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 2
    assert "usage: inspan" in capsys.readouterr().out
    assert main(["help"]) == 0


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["lss"], 2, "Did you mean `inspan ls`?"),
        (["\x1b]0;x\x07"], 2, "lists them"),
        (["ls", "--xyzzy"], 2, "inspan ls --help"),
        (["ls", "--limit", "many"], 2, "invalid int value"),
        (["ls", "--limit", "0"], 2, "at least 1"),
        (["ls", "--state", "asleep"], 2, "States: pending"),
        (["show"], 2, "required"),
        (["run"], 125, "nothing to run"),
        (["run", "--agent", "claude"], 125, "nothing to ask claude"),
        (["add", "--agent", "codex"], 2, "Write it: `inspan add --agent codex"),
        (["run", "--mode", "acp", "--", "true"], 125, "--mode is about how an agent is spoken to"),
        (["run", "--over-budget", "stop", "--", "true"], 125, "--over-budget is about an agent's"),
        (["run", "--agent", "claude", "--permissions", "/no/file", "x"], 125, "a file of rules"),
        (["run", "--cwd", "/no/such/folder", "--", "true"], 125, "does not exist"),
        (["run", "--timeout", "soon", "--", "true"], 125, "not a duration"),
        (["run", "--timeout", "0", "--", "true"], 125, "no time at all"),
        (["run", "--retries", "-1", "--", "true"], 125, "cannot be negative"),
        (["run", "--env", "INSPAN_NOT_SET_HERE", "--", "true"], 125, "is not set here"),
        (["run", "--env", "=x", "--", "true"], 125, "no variable"),
        (["run", "--at", "never", "--", "true"], 125, "is no time"),
        (["run", "--label", "x", "--", "true"], 125, "KEY=VALUE"),
        (["run", "no-such-file.yaml"], 125, "there is no file"),
        (["run", "--", "a\0b"], 125, "NUL"),
        (["logs", "a\0b"], 2, "NUL"),
        (["db", "upgrade"], 1, "no database"),
        (["attach", "last"], 2, "needs a terminal"),
    ],
)
def test_a_mistake_is_one_sentence_and_a_hint(
    words: list[str],
    status: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("INSPAN_HOME", str(tmp_path / "h"))
    assert main(words) == status
    told = capfd.readouterr()
    assert told.out == ""
    assert told.err.startswith("inspan: ")
    assert said in told.err
    assert len(told.err.splitlines()) == 2
    assert "\x1b" not in told.err


def test_an_argument_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    told = _inspan("logs", b"\xff\xfe", home=tmp_path)
    assert told.returncode == 2
    assert "argument 2 is not valid UTF-8" in told.stderr


def test_an_error_can_be_had_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INSPAN_HOME", str(tmp_path / "h"))
    assert main(["ls", "--state", "asleep", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "bad-input"


@pytest.mark.parametrize("words", [["version"], ["--version"], ["-V"]])
def test_the_version(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    assert capsys.readouterr().out.startswith("inspan 0.")


@pytest.mark.parametrize(
    "words",
    [["--home"], ["--home", ""], ["--home=", "status"], ["status", "--home", ""], ["--host"]],
)
def test_a_home_that_is_empty_is_not_passed_over(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "--home names no folder" in said or "--host names no address" in said


@pytest.mark.parametrize(
    "words", [["--home", "HOME", "status", "--json"], ["status", "--json", "--home=HOME"]]
)
def test_home_may_stand_on_either_side_of_the_verb(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("INSPAN_HOME", "/somewhere/else")
    home = tmp_path / "other"
    assert main([word.replace("HOME", str(home)) for word in words]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["state_dir"] == str(home)
    assert told["daemon"] is None
    assert told["keeper"] is None
    assert not home.exists()


def test_a_reader_that_has_gone_is_no_reason_to_complain(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    told = subprocess.run(
        [sys.executable, "-m", "inspan.cli.main", "--help"],
        stdout=write,
        stderr=subprocess.PIPE,
        env={**os.environ, "INSPAN_HOME": str(tmp_path)},
        check=False,
        timeout=30,
    )
    os.close(write)
    assert told.stderr == b""
    assert told.returncode == 141


def _printing(
    *words: str, out: str = "/dev/full", err: str = "", code: str = "", home: Path
) -> subprocess.CompletedProcess[str]:
    """A command whose standard output, and perhaps its standard error, goes there."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    if err or code:  # measuring it would write there, too
        env = {name: value for name, value in env.items() if not name.startswith("COVERAGE_")}
    start = ["-c", code] if code else ["-m", "inspan.cli.main"]
    line = f'exec "$@" >{out} {f"2>{err}" if err else ""}'
    return subprocess.run(
        ["sh", "-c", line, "sh", sys.executable, *start, *words],
        stderr=subprocess.PIPE,
        text=True,
        env={**env, "INSPAN_HOME": str(home)},
        check=False,
        timeout=30,
    )


@pytest.mark.parametrize(
    "words", [["version"], ["--help"], ["ls", "--help"], ["ls", "--limit", "0", "--json"]]
)
def test_output_that_has_no_room_is_one_sentence(words: list[str], tmp_path: Path) -> None:
    told = _printing(*words, home=tmp_path)
    assert told.returncode == 1
    assert told.stderr.startswith("inspan: the system refuses: No space left on device\n")
    assert len(told.stderr.splitlines()) == 2


def test_where_nothing_can_be_told_there_is_the_status(tmp_path: Path) -> None:
    assert _printing("lss", out="/dev/null", err="/dev/full", home=tmp_path).returncode == 1
    assert _printing("version", err="/dev/full", home=tmp_path).returncode == 1


def test_a_failure_that_cannot_be_told_is_none_of_python_s(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with (
        Path("/dev/full").open("wb", buffering=0) as full,
        io.TextIOWrapper(full, write_through=True) as errors,
        monkeypatch.context() as patch,
    ):
        patch.setattr("sys.stderr", errors)
        assert main(["lss"]) == 1
    assert capfd.readouterr() == ("", "")


def test_a_stream_that_was_closed_is_no_error(tmp_path: Path) -> None:
    told = _printing("version", out="&-", home=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    assert _printing("lss", out="/dev/null", err="&-", home=tmp_path).returncode == 2


def test_an_interrupt_has_its_status_though_what_was_printed_has_no_room(tmp_path: Path) -> None:
    code = (
        "import sys; from inspan.cli import main, version\n"
        "def run(_):\n    print('half')\n    raise KeyboardInterrupt\n"
        "version.run = run; sys.argv = ['inspan', 'version']; main.command()"
    )
    told = _printing(code=code, home=tmp_path)
    assert (told.returncode, told.stderr) == (130, "")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["add", "--nmae", "x", "--", "true"], "Did you mean --name?"),
        (["ls", "--stat=failed"], "Did you mean --state?"),
        (["ls", "--zzz"], "`inspan ls --help` lists what it takes."),
        (["--homee", "x"], "`inspan --help` lists them."),
    ],
)
def test_a_flag_that_is_misspelt_is_guessed(
    words: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert f"hint: {hint}" in capsys.readouterr().err


def test_what_the_system_refuses_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_args: object) -> int:
        raise PermissionError(13, "Permission denied", "/a\x1b[2Jfile")

    monkeypatch.setattr("inspan.cli.version.run", refuse)
    assert main(["version"]) == 1
    assert "inspan: the system refuses: Permission denied (/afile)" in capsys.readouterr().err


def test_who_asked_to_be_told_of_the_end_is_told() -> None:
    code = (
        "import atexit, sys; from inspan.cli.main import command;"
        "atexit.register(print, 'told'); sys.argv = ['inspan', 'version']; command()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert ended.stdout.splitlines()[-1] == "told"


def test_who_asked_to_be_told_of_the_end_changes_no_status(tmp_path: Path) -> None:
    code = (
        "import atexit, sys; from inspan.cli import main\n"
        "atexit.register(print, 'the end')\n"
        "sys.argv = ['inspan', 'lss']; main.command()"
    )
    told = _printing(code=code, out="/dev/null", err="/dev/full", home=tmp_path)
    assert told.returncode == 1
