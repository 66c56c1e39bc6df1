"""Gemini CLI: the Agent Client Protocol, its own stream of events, or its terminal.

Its exit status is its HTTP status modulo 256 (401 is 145), and 0 where a signal ended it. Over the
protocol an answer that broke off ends like a whole one; only that no token is counted tells it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from inspan.agents import json_lines
from inspan.agents.acp import AcpTalk, Speaker
from inspan.agents.acp_files import Offer
from inspan.agents.dialect import OwnFolder, Talk, Tells, Turn, When
from inspan.agents.endings import by_status, by_words, silent_end
from inspan.agents.handed import Handed
from inspan.agents.json_lines import number, object_of, text_of, words_of
from inspan.agents.signs import (
    Began,
    Counted,
    Said,
    Sign,
    ToolBegan,
    ToolEnded,
    TurnEnded,
    Warned,
)
from inspan.agents.titles import title
from inspan.errors import BadInput
from inspan.model.agent import AgentSession, Ending, Mode, Outcome, Usage
from inspan.model.task import Exit

_HINT_LOGIN: Final = "Run `gemini` once and log in, or set GEMINI_API_KEY."

#: Linux gives one argument this much, with its end (MAX_ARG_STRLEN).
_ARGUMENT_MOST: Final = (128 << 10) - len("--prompt=") - 1

#: What its exit says where no event did: no way to log in is configured; it cannot be started so.
_NO_LOGIN: Final = 41
_BAD_START: Final = 42
#: Its words for an answer that broke off.
_BROKE_OFF: Final = ("without a finish reason", "API Error: terminated")
#: The status of its model's service, in what it prints when a call has failed.
_STATUS: Final = re.compile(r"\bstatus: (\d{3})\b")


class Gemini:
    """What is true of the program."""

    name: Final = "gemini"
    program: Final = "gemini"
    install: Final = "npm install -g @google/gemini-cli"
    modes: Final = (Mode.ACP, Mode.STREAM, Mode.PTY)
    settings: Final = (
        "GEMINI_MODEL",
        "GEMINI_CLI_HOME",
        "GEMINI_CLI_TRUST_WORKSPACE",
        "GEMINI_SANDBOX",
        "GEMINI_SYSTEM_MD",
        "GOOGLE_CLOUD_LOCATION",
        "GOOGLE_CLOUD_PROJECT",
        "GOOGLE_GEMINI_BASE_URL",
        "GOOGLE_GENAI_*",
        "GOOGLE_VERTEX_BASE_URL",
    )
    secrets: Final = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
    keeps: Final = (
        OwnFolder(
            path=".gemini",
            variable="GEMINI_CLI_HOME",
            below=".gemini",
            fixed=("settings.json", "GEMINI.md", "commands/", "extensions/", "policies/"),
        ),
    )

    def check(self, turn: Turn) -> None:
        """In its stream the prompt is an argument. Raises BadInput."""
        size = len(turn.prompt.encode(errors="surrogatepass"))
        if turn.mode is Mode.STREAM and size > _ARGUMENT_MOST:
            raise BadInput(
                f"a prompt of {size} bytes is too long for gemini's stream",
                hint="Use `--mode acp`, which takes any.",
            )

    def argv(self, turn: Turn) -> tuple[str, ...]:
        """Its command line. Written with `=`, a prompt is one whatever it begins with."""
        if turn.mode is Mode.ACP:
            return (self.program, "--acp", *turn.arguments)
        resume = ("--resume", turn.resume) if turn.resume else ()
        if turn.mode is Mode.PTY:
            prompt = (f"--prompt-interactive={turn.prompt}",) if turn.prompt else ()
            return (self.program, *resume, *turn.arguments, *prompt)
        stream = ("--output-format", "stream-json", f"--prompt={turn.prompt}")
        return (self.program, *stream, *resume, *turn.arguments)

    def env(self, _turn: Turn) -> dict[str, str]:
        """Without this it starts itself a second time, for a setting of Node's."""
        return {"GEMINI_CLI_NO_RELAUNCH": "true"}

    #: Its counts come with the end of a turn.
    tells: Final = Tells(tokens=When.AT_END)

    def talk(self, turn: Turn) -> Talk:
        """A new conversation."""
        if turn.mode is Mode.ACP:
            speaker = Speaker(
                login_hint=_HINT_LOGIN,
                silent=_silent,
                keeps_late=True,
                retells_late=True,
                files=_files(turn),
                terminals=False,
            )
            return AcpTalk(turn, speaker)
        return GeminiTalk(turn)


class GeminiTalk:
    """One process of it that answers one prompt, in its stream of events."""

    def __init__(self, turn: Turn) -> None:
        self.handed = Handed()
        self._turn = turn
        self._outcome: Outcome | None = None
        self._busy = False
        self._speaking = False
        self._complained = ""

    def begin(self) -> bytes:
        """Nothing: the prompt is in its command line."""
        return b""

    @property
    def over(self) -> bool:
        """True where it has told its result."""
        return self._outcome is not None

    def ask(self, _prompt: str, _key: str = "") -> None:
        """It takes one prompt."""

    def answer(self, _request: str, _text: str) -> None:
        """It asks nothing: what it may not do it does not do."""

    def interrupt(self) -> None:
        """A signal ends it."""

    def sent(self, _line: bytes) -> None:
        """It reads nothing."""

    def heard(self, line: bytes) -> Iterator[Sign]:
        """What it says."""
        told = json_lines.parsed(line)
        kind = told.get("type")
        if kind == "message" and told.get("role") == "assistant":
            self._busy = True
            yield Said(words_of(told, "content"), self._speaking)
            self._speaking = told.get("delta") is True
            return
        self._speaking = False
        if kind == "init":
            session = words_of(told, "session_id")
            yield Began(AgentSession(id=session, mode=Mode.STREAM, model=words_of(told, "model")))
        elif kind == "error":
            self._complained = words_of(told, "message")
            yield Warned(self._complained)
        elif kind == "result":
            yield from self._result(told)
        else:
            yield from self._tool(told)

    def outcome(self, how: Exit, *, stopped: bool, complaint: str) -> Outcome:
        """Its result, made exact by its exit; without one it was stopped, or has failed."""
        status = _status(how)
        if self._outcome is not None:
            failed = self._outcome.ending is Ending.FAILED
            return self._by_status(status, self._outcome.message) if failed else self._outcome
        if stopped:
            return Outcome(Ending.STOPPED, "it was interrupted")
        if how.code == _BAD_START and self._turn.resume:
            return Outcome(Ending.FORGOTTEN, complaint.strip())
        return _silent(how, complaint)

    def _by_status(self, status: int, message: str) -> Outcome:
        if not status:
            return Outcome(Ending.FAILED, message)
        return by_status(status, message, login_hint=_HINT_LOGIN)

    def _tool(self, told: dict[str, Any]) -> Iterator[Sign]:
        tool = words_of(told, "tool_id")
        if told.get("type") == "tool_use":
            self._busy = True
            given = title(told.get("parameters"))
            yield ToolBegan(tool, words_of(told, "tool_name"), given)
        elif told.get("type") == "tool_result":
            text = text_of(told.get("output")) or words_of(told, "error", "message")
            yield ToolEnded(tool, told.get("status") == "success", text)

    def _result(self, told: dict[str, Any]) -> Iterator[Sign]:
        stats = object_of(told, "stats")
        used = Usage(
            read=int(number(stats, "input_tokens")),
            cached=int(number(stats, "cached")),
            written=int(number(stats, "output_tokens")),
            turns=1,
        )
        yield Counted(used)
        self._outcome = self._judged(told, used)
        yield TurnEnded(self._outcome)

    def _judged(self, told: dict[str, Any], used: Usage) -> Outcome:
        if told.get("status") == "success":
            if self._busy or used.written:
                return Outcome(Ending.DONE)
            return Outcome(Ending.EMPTY, "it ended its turn without having done anything")
        message = words_of(told, "error", "message")
        words = message or self._complained
        if any(sign in words for sign in _BROKE_OFF):
            return Outcome(Ending.CUT, words)
        return by_words(words, login_hint=_HINT_LOGIN)


def _files(turn: Turn) -> Offer:
    """What we do with its files: write them, unless it is told by its arguments to ask nobody.

    It is offered no reading, since it takes every error of ours for one that it cannot go on after,
    and so would make no file that is not there yet (0.61.0).
    """
    words = [word for argument in turn.arguments for word in argument.split("=", 1)]
    unasked = not {"-y", "--yolo", "yolo", "auto_edit"}.isdisjoint(words)
    return Offer(read=False, write=turn.ruled or not unasked)


def _status(how: Exit) -> int:
    """The HTTP status that its exit is the rest of; 0 where it is none."""
    return (how.code or 0) + 256 if (how.code or 0) + 256 in (401, 403, 429) else 0


def _silent(how: Exit, complaint: str) -> Outcome:
    """It ended without a word: its exit may tell why, or what it printed of its calls."""
    if how.code == _NO_LOGIN:
        return Outcome(Ending.LOGIN, complaint.strip(), _HINT_LOGIN)
    found = _STATUS.findall(complaint)
    status = _status(how) or int(found[-1] if found else 0)
    if status:
        return by_status(status, f"its model's service answered with status {status}")
    return silent_end("gemini", how, complaint, login_hint=_HINT_LOGIN)
