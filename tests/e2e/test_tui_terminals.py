"""`inspan tui` on terminals of many kinds: without colour, over SSH, and where nothing is drawn."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.real.console import Console, Screen

pytestmark = [pytest.mark.requirement("E4"), pytest.mark.timeout(120)]

OVER_SSH = {
    "SSH_CONNECTION": "10.0.0.2 50022 10.0.0.1 22",
    "SSH_CLIENT": "10.0.0.2 50022 22",
    "SSH_TTY": "/dev/pts/9",
    "LANG": "",
}
_SGR = re.compile(rb"\x1b\[([0-9;:]*)m")


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console() as console:
        console.say(
            *("run", "--detach", "--name", "speak", "--", "sh", "-c"),
            r"printf 'said in \033[31mred\033[0m\n'; read x",
        )
        yield console


def colours(output: bytes) -> set[str]:
    """What was set of colours: the kind, and the number that says so."""
    found = set()
    for told in _SGR.findall(output):
        numbers = [int(one or 0) for one in re.split(rb"[;:]", told)]
        while numbers:
            number = numbers.pop(0)
            if number in (38, 48):
                deep = numbers.pop(0) == 2
                found.add("truecolor" if deep else "256")
                del numbers[: 3 if deep else 1]
            elif number in (*range(30, 38), *range(40, 48), *range(90, 98), *range(100, 108)):
                found.add("16")
    return found


def _looked_around(screen: Screen) -> bytes:
    """Through some screens and out; all that was drawn."""
    drawn = b""
    for key, wanted in [
        (b"", b"speak"),
        (b"?", b"Everywhere"),
        (b"q", b"said in"),
        (b"\r", b"known by"),
        (b"q", b"Working"),
    ]:
        drawn, screen.output = drawn + screen.output, b""
        if key:
            screen.press(key)
        screen.until(wanted)
    screen.press(b"q")
    assert screen.finish() == 0
    assert b"\x1b[?1049l" in screen.output
    assert screen.settings() == screen.before
    return drawn + screen.output


@pytest.mark.parametrize(
    "env",
    [{"NO_COLOR": "1", "TERM": "xterm-256color", "COLORTERM": "truecolor"}, {"TERM": "vt100"}],
    ids=["NO_COLOR", "vt100"],
)
def test_no_colour_is_in_what_is_drawn(console: Console, env: dict[str, str]) -> None:
    with console.terminal("tui", env=env) as screen:
        assert colours(_looked_around(screen)) == set()


@pytest.mark.parametrize(
    ("env", "wanted"),
    [
        ({**OVER_SSH, "TERM": "xterm-256color"}, {"256"}),
        ({**OVER_SSH, "TERM": "a-terminal-nobody-knows-here"}, {"16"}),
        ({"TERM": "xterm-256color", "NO_COLOR": "", "COLORTERM": "truecolor"}, {"truecolor"}),
    ],
    ids=["ssh", "ssh-unknown", "here"],
)
def test_colours_are_those_that_the_terminal_has(
    console: Console, env: dict[str, str], wanted: set[str]
) -> None:
    with console.terminal("tui", env=env) as screen:
        found = colours(_looked_around(screen))
    assert wanted <= found
    assert "truecolor" not in found - wanted


@pytest.mark.parametrize("kind", ["dumb", ""])
def test_a_terminal_that_only_prints_is_told_what_prints(console: Console, kind: str) -> None:
    with console.terminal("tui", env={"TERM": kind}) as screen:
        assert screen.finish() == 2
        assert b"nothing can be drawn" in screen.output
        assert b"inspan top --once" in screen.output
        assert b"\x1b[?1049h" not in screen.output
