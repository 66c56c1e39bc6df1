"""An agent on a terminal while inspan's own output is a pipe: it asks, and a line says so."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.real.agenthome import showing
from tests.real.console import Console
from tests.real.daemon import until

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("A11", "C4")]

#: Where the recorded claude asks, and where it is idle after that, in seconds.
ASKS, RESTS = 8.0, 12.0


@pytest.fixture
def console() -> Iterator[Console]:
    with Console() as made:
        yield made


def _claude(console: Console, line: str) -> dict[str, str]:
    """The environment in which ``claude`` runs ``line``."""
    programs = console.home / "bin"
    programs.mkdir()
    claude = programs / "claude"
    claude.write_text(
        "#!/bin/sh\n"
        """if [ "$1 $2" = "auth status" ]; then echo '{"loggedIn": true}'; exit; fi\n"""
        f"{line}\n"
    )
    claude.chmod(0o755)
    return {"PATH": f"{programs}:{console.env['PATH']}"}


def test_what_it_asks_is_told_beside_its_output_and_can_be_answered(console: Console) -> None:
    stops = (f"{ASKS}=b'1'", f"{RESTS}=b'x'")
    path = _claude(console, f"exec {showing('claude', 'permission', *stops)}")
    words = ("run", "--agent", "claude", "--mode", "pty", "--name", "asks", "do it")
    with console.start(*words, env=path) as ran:
        assert ran.stderr is not None
        line = ran.stderr.readline().decode()
        assert "it asks: Do you want to proceed?" in line
        command = line.split("`")[1]
        assert command.startswith("inspan answer ")
        assert command.endswith(" allow|deny|TEXT")
        shown = json.loads(console.say("show", "--json", "asks"))
        why = json.loads(console.say("why", "--json", "asks"))
        assert shown["activity"] == why["activity"]
        assert (shown["activity"]["doing"], shown["state"]) == ("waiting", "waiting")
        console.say("answer", command.split()[2], "allow")
        until(lambda: _doing(console) == "idle", "it to come to rest")
        console.say("send", "--no-enter", "asks", "x")
        ran.communicate(timeout=30)


def test_its_input_does_not_end_with_ours_and_its_terminal_is_large(console: Console) -> None:
    size = "stty size; stty raw -echo; dd bs=1 count=1 2>/dev/null | od -An -c"
    path = _claude(console, size)
    words = ("run", "--agent", "claude", "--mode", "pty", "--name", "large", "do it")
    with console.start(*words, env=path) as ran:
        assert ran.stdout is not None
        assert ran.stdout.readline().split() == [b"30", b"100"]
        console.say("send", "--no-enter", "large", "k")
        out, _ = ran.communicate(timeout=30)
    assert out.split() == [b"k"]


def _doing(console: Console) -> str:
    activity = json.loads(console.say("show", "--json", "asks"))["activity"]
    return "" if activity is None else str(activity["doing"])
