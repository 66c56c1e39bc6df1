"""What commands refuse before anything is done: one sentence, a hint, and a status of a mistake."""

from __future__ import annotations

import io
import os
import sys
import webbrowser
from pathlib import Path

import pytest

from inspan.cli import api, mcp, reach, service, tui, web
from inspan.cli.main import main
from inspan.errors import BadInput, Unable

pytestmark = pytest.mark.requirement("A11")

_FIGURES = {"ANTHROPIC_API_KEY": "key", "INSPAN_API_MODEL": "m"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where nothing is kept yet."""
    home = tmp_path / "h"
    monkeypatch.setenv("INSPAN_HOME", str(home))
    for name in ("INSPAN_HOST", "INSPAN_CONTEXT", "INSPAN_CA"):
        monkeypatch.setenv(
            name, ""
        )  # a command sets it for its process, which is that of all tests
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return home


def _given(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """It comes by standard input."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("audit -n -1", 2, "-n is a number of lines"),
        ("context", 2, "`inspan context` wants one of: add, use, ls, show, rm"),
        ("plan last", 2, "'last' is none of: show, edit, approve"),
        ("export last a --output b", 2, "there are two files"),
        ("context add", 2, "`inspan context add` needs a name"),
        ("context ls box", 2, "`inspan context ls` takes no name"),
        ("context use box http://127.0.0.1:7433", 2, "inspan context add box https://box.example"),
        ("context use box --token-file t", 2, "--token-file is for `inspan context add`"),
        ("context add box unix:///no/where --ca a.pem", 2, "only for https://"),
        ("context add box http://127.0.0.1:7433 --ca a.pem", 2, "only for https://"),
        ("context add box https://box.example:7433 --ca no.pem", 2, "cannot be read: No such file"),
        ("context add box unix://place", 2, "names no socket"),
        ("db restore", 2, "restore which backup?"),
        ("merge last --check ''", 2, "an empty check checks nothing"),
        ("notify test nobody", 2, "nobody called 'nobody' is told anything"),
        ("notify test", 2, "Name somebody in the settings"),
        ("resume last --budget none", 2, "a budget can be raised, and not taken away"),
        ("resume last --mode acp", 2, "--mode is about another agent"),
        ("run --agent claude --prompt one two", 125, "there are two prompts: --prompt and 'two'"),
        ("run --agent claude one --name x two", 125, "'two' after the prompt means nothing"),
        ("run --agent claude --continue last --cwd / go", 125, "Leave out --cwd, --worktree"),
        ("service uninstall --now", 2, "--now is for install"),
        ("service status --kind launchd", 2, "--kind is for print"),
        ("token ls box", 2, "`inspan token ls` takes no name"),
        ("token revoke", 2, "`inspan token revoke` needs a name"),
        ("token revoke box --scope write", 2, "--scope and --expires are for `inspan token new`"),
        ("token revoke box --out f", 2, "`inspan token revoke` has no token to write"),
        ("tui", 2, "inspan tui needs a terminal"),
    ],
)
def test_what_does_not_go_together_is_refused_and_nothing_is_made(
    words: str,
    status: int,
    said: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _given(monkeypatch, b"")
    assert main([word.strip("'") for word in words.split()]) == status
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("inspan: ")
    assert said in told.err
    assert len(told.err.splitlines()) == 2
    assert not home.exists()


@pytest.mark.parametrize(
    ("words", "data", "status", "said"),
    [
        ("run --agent claude -", b"\xff", 125, "the prompt on our standard input is no UTF-8"),
        ("run --agent claude -", b"x" * ((2 << 20) + 1), 125, "larger than 2097152 bytes"),
        ("goal -", b" \n", 2, "there is no goal"),
        ("context add box http://127.0.0.1:7433", b"\n", 2, "there is no token"),
        ("context add box http://127.0.0.1:7433", b"a b\n", 2, "that is no token of inspan's"),
    ],
)
def test_what_comes_by_standard_input_is_refused_where_it_cannot_be_meant(
    words: str,
    data: bytes,
    status: int,
    said: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _given(monkeypatch, data)
    assert main(words.split()) == status
    assert said in capsys.readouterr().err
    assert not home.exists()


def test_a_named_daemon_that_does_not_answer_is_shown_with_the_reason(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = f"unix://{home}/no.sock"
    assert main(["context", "add", "box", where]) == 0
    assert main(["context", "show", "box"]) == 1
    told = capsys.readouterr()
    assert f"box: {where}" in told.out
    assert "it answers" not in told.out
    assert "no daemon answers" in told.err


# ── the agent api ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "env", "said"),
    [
        (["--colour", "red"], _FIGURES, "--model NAME and nothing else"),
        (["--model"], _FIGURES, "--model NAME and nothing else"),
        ([], {}, "there is no key for a model"),
        ([], {**_FIGURES, "INSPAN_API_KIND": "oracle"}, "there is no key for a model"),
        ([], {"OPENAI_API_KEY": "key"}, "no model is named"),
        ([], {**_FIGURES, "ANTHROPIC_API_KEY": "a\nb"}, "ANTHROPIC_API_KEY holds what is no key"),
        ([], {**_FIGURES, "ANTHROPIC_API_KEY": "ключ"}, "ANTHROPIC_API_KEY holds what is no key"),
        ([], {**_FIGURES, "INSPAN_API_PRICE": "3/much"}, "INSPAN_API_PRICE is '3/much'"),
    ],
)
def test_a_model_that_cannot_be_asked_is_refused_and_its_key_is_not_told(
    words: list[str], env: dict[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BadInput, match=said) as raised:
        api.model_of(words, env)
    told = f"{raised.value} {raised.value.hint} {capsys.readouterr()}"
    assert not any(key in told for key in ("a\nb", "ключ"))


def test_the_agent_api_tells_by_its_own_protocol_why_it_cannot_ask(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "INSPAN_API_KIND", "INSPAN_API_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "argv", ["api"])
    _given(monkeypatch, b'{"prompt": "hello"}\n')
    assert api.main() == 0
    told = capfd.readouterr().out
    assert len(told.splitlines()) == 1
    assert "there is no key for a model" in told
    assert "Set ANTHROPIC_API_KEY" in told


# ── programs that are not here, or do not answer ──────────────────────────────


def _program(folder: Path, name: str, *lines: str) -> None:
    path = folder / name
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)


def test_without_a_service_manager_the_state_is_unknown(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(home))
    assert service._asked("systemctl", "--user", "is-active", "inspan") is None


def test_a_service_manager_that_does_not_answer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(tmp_path, "systemctl", "exec sleep 30")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(service, "_PATIENCE", 0.0)
    with pytest.raises(Unable, match=r"`systemctl --user` has not answered in 0 s"):
        service._asked("systemctl", "--user")


def test_where_no_browser_is_none_is_opened_and_the_address_is_told(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webbrowser, "_tryorder", [])
    monkeypatch.setattr(webbrowser, "_browsers", {})
    assert not web._opened("http://127.0.0.1:1/#secret")
    assert not home.exists()


def test_the_screens_without_their_package_name_what_installs_it(
    monkeypatch: pytest.MonkeyPatch, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tui, "find_spec", lambda _: None)
    assert main(["tui"]) == 1
    told = capsys.readouterr().err
    assert "the package textual, which is not installed" in told
    assert "pip install 'inspan[tui]'" in told
    assert not home.exists()


def test_a_client_of_the_tools_that_goes_without_a_word_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def gone() -> None:
        read, write = os.pipe()
        os.close(read)
        try:
            os.write(write, b"{}\n")
        finally:
            os.close(write)

    monkeypatch.setattr(reach, "ensure", lambda: None)
    monkeypatch.setattr(mcp, "_serve", gone)
    assert main(["mcp"]) == 0
    assert capsys.readouterr() == ("", "")
