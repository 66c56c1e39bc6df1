"""What an agent has us do with commands over the Agent Client Protocol: ``terminal/``.

A fold beneath the conversation (``acp``), which knows what was asked, what was answered, and which
terminals there are. It remembers which commands were allowed: an agent that asked for leave to run
one, and then has us run it, asks for one thing and not for two. Nothing is run here.
"""

from __future__ import annotations

import re
import signal
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from inspan.agents.acp_files import CODES
from inspan.agents.json_lines import items, words_of
from inspan.agents.served import (
    Fault,
    NotServed,
    Served,
    TerminalEnded,
    TerminalMade,
    TerminalText,
)
from inspan.agents.signs import CommandAsked, Permission, TerminalAsked, Wish
from inspan.model.task import Exit
from inspan.model.value import value

CREATE: Final = "terminal/create"
_WISHES: Final = {
    "terminal/output": Wish.OUTPUT,
    "terminal/wait_for_exit": Wish.WAIT,
    "terminal/kill": Wish.KILL,
    "terminal/release": Wish.RELEASE,
}
#: One word that means the same to a shell and to whoever starts a program. What has more in it,
#: and no arguments beside it, is a line: agents hand over what their model wrote.
_WORD: Final = re.compile(r"[\w@%+:,./-]+", re.ASCII)
#: A shell that is given one line.
_SHELLS: Final = ("sh", "bash")
_LINES: Final = ("-c", "-lc")
#: Of how many terminals it is known what their output was, for the calls that show them.
_SHOWN_MOST: Final = 16
#: So many commands may be allowed and not run yet; the oldest is asked for again.
_GRANTED_MOST: Final = 64

MALFORMED: Final = NotServed(Fault.REFUSED, "This is no command that could be started")
UNKNOWN: Final = NotServed(Fault.MISSING, "There is no such terminal")


@value
class _Open:
    """A request that waits for its answer."""

    request: Any
    sign: CommandAsked | TerminalAsked
    limit: int | None = None


class TerminalRequests:
    """What one agent wants run and was not told yet, and what runs for it."""

    def __init__(self, folder: str, *, offered: bool) -> None:
        """``folder``: where the agent began."""
        self._folder = folder
        self._offered = offered
        self._asked = 0
        self._open: dict[str, _Open] = {}
        #: The most bytes of output that it wants, by terminal.
        self._made: dict[str, int | None] = {}
        #: What their output was when it was told last.
        self._shown: OrderedDict[str, str] = OrderedDict()
        #: The commands that were allowed, by their calls.
        self._granted: dict[str, Permission] = {}

    def were_offered(self, capabilities: Mapping[str, Any]) -> None:
        """That was offered: perhaps by another daemon, which would not do it or would not know."""
        self._offered = capabilities.get("terminal") is True

    def serves(self, method: str) -> bool:
        """Whether this was offered."""
        return self._offered and (method == CREATE or method in _WISHES)

    def asked(
        self, key: str, request: Any, method: str, params: dict[str, Any]
    ) -> CommandAsked | TerminalAsked | NotServed:
        """It wants that; ``key`` is its request as we call it."""
        if method == CREATE:
            return self._creates(key, request, params)
        terminal = words_of(params, "terminalId")
        if terminal not in self._made:
            self._open[key] = _Open(request, TerminalAsked(key, terminal, _WISHES[method]))
            return UNKNOWN
        sign = TerminalAsked(key, terminal, _WISHES[method], self._made[terminal])
        self._open[key] = _Open(request, sign)
        return sign

    def _creates(self, key: str, request: Any, params: dict[str, Any]) -> CommandAsked | NotServed:
        self._asked += 1
        command, env = _command(params), _env(params)
        cwd = params.get("cwd")
        known = command is not None and env is not None
        plain = not env and cwd in (None, "", self._folder)
        sign = CommandAsked(
            key,
            self._asked,
            command or "",
            env or (),
            cwd=cwd if isinstance(cwd, str) else "",
            granted=known and plain and self._has_leave(command or ""),
        )
        self._open[key] = _Open(request, sign, _limit(params))
        return sign if known else MALFORMED

    def _has_leave(self, command: tuple[str, ...] | str) -> bool:
        """Whether it may run this; once, for each time that it was allowed."""
        for call, allowed in self._granted.items():
            if _is_same(allowed, command):
                del self._granted[call]
                return True
        return False

    def answer(self, key: str, told: Served) -> dict[str, Any] | None:
        """The message that tells it what came of it; ``None`` where it does not wait for that."""
        if key not in self._open:
            return None
        request = self._open[key].request
        match told:
            case TerminalMade(terminal):
                result: dict[str, Any] = {"terminalId": terminal}
            case TerminalText(text, truncated, how):
                result = {"output": text, "truncated": truncated}
                if how is not None:
                    result["exitStatus"] = _status(how)
            case TerminalEnded(how):
                result = _status(how)
            case NotServed(fault, why):
                return {"id": request, "error": {"code": CODES[fault], "message": why}}
            case _:
                result = {}
        return {"id": request, "result": result}

    def answered(self, key: str, result: dict[str, Any]) -> None:
        """It was told; ``result`` is empty where that was an error, too."""
        asked = self._open.pop(key, None)
        if asked is None:
            return
        match asked.sign:
            case CommandAsked() if made := words_of(result, "terminalId"):
                self._made[made] = asked.limit
            case TerminalAsked(_, terminal, Wish.OUTPUT) if "output" in result:
                self._shown[terminal] = words_of(result, "output")
                self._shown.move_to_end(terminal)
                while len(self._shown) > _SHOWN_MOST:
                    self._shown.popitem(last=False)
            case TerminalAsked(_, terminal, Wish.RELEASE):
                self._made.pop(terminal, None)
            case _:
                return

    @property
    def to_be_run(self) -> tuple[str, ...]:
        """What it wants run, by request."""
        return tuple(
            key for key, asked in self._open.items() if isinstance(asked.sign, CommandAsked)
        )

    @property
    def made(self) -> tuple[str, ...]:
        """The terminals that it was told of and has not let go."""
        return tuple(self._made)

    def shown(self, terminal: str) -> str:
        """What its output was when it was told last."""
        return self._shown.get(terminal, "")

    def grant(self, call: str, permission: Permission) -> None:
        """It was allowed that, as a part of that call."""
        if permission.line is not None or permission.argv is not None:
            self._granted[call] = permission
            while len(self._granted) > _GRANTED_MOST:
                del self._granted[next(iter(self._granted))]

    def call_ended(self, call: str) -> None:
        """What was allowed for it was for it alone."""
        self._granted.pop(call, None)

    def turned(self) -> None:
        """Its turn has ended: what runs for it may go on, and nothing new is waited for."""
        for key in self.to_be_run:
            del self._open[key]
        self._granted.clear()


def shown_by(call: dict[str, Any]) -> tuple[str, ...]:
    """The terminals that a tool call shows."""
    found = (item for item in items(call, "content") if item.get("type") == "terminal")
    return tuple(filter(None, (words_of(item, "terminalId") for item in found)))


def _command(params: dict[str, Any]) -> tuple[str, ...] | str | None:
    """Its words, or a line for a shell; ``None`` where it states none that could be."""
    command, args = params.get("command"), params.get("args")
    words = [command, *(args if isinstance(args, list) else ())]
    if not command or not (args is None or isinstance(args, list)) or not all(map(_is_text, words)):
        return None
    if args or _WORD.fullmatch(command):
        return tuple(words)
    return str(command)


def _env(params: dict[str, Any]) -> tuple[tuple[str, str], ...] | None:
    env = params.get("env")
    if env is None:
        return ()
    if not isinstance(env, list):
        return None
    found: dict[str, str] = {}
    for one in env:
        name, text = (one.get("name"), one.get("value")) if isinstance(one, dict) else (None, None)
        if not (_is_text(name) and _is_text(text)) or not name or "=" in name:
            return None
        found[str(name)] = str(text)
    return tuple(found.items())


def _is_text(word: Any) -> bool:
    """What a program can be given: no NUL, and nothing that is half of a character."""
    if not isinstance(word, str) or "\0" in word:
        return False
    return not any("\ud800" <= letter <= "\udfff" for letter in word)


def _limit(params: dict[str, Any]) -> int | None:
    found = params.get("outputByteLimit")
    return max(found, 0) if isinstance(found, int) and not isinstance(found, bool) else None


def _is_same(allowed: Permission, command: tuple[str, ...] | str) -> bool:
    """What was allowed is this, or the line that this has a shell run."""
    if isinstance(command, str):
        return allowed.line == command
    if allowed.argv is not None:
        return allowed.argv == command
    shell = len(command) == 3 and command[0].rpartition("/")[2] in _SHELLS
    if shell and command[1] in _LINES:
        return allowed.line == command[2]
    return command == (allowed.line,)


def _status(how: Exit) -> dict[str, Any]:
    if how.signal is None:
        return {"exitCode": how.code, "signal": None}
    try:
        name = signal.Signals(how.signal).name
    except ValueError:  # one of those for programs of their own
        name = f"SIG{how.signal}"
    return {"exitCode": None, "signal": name}
