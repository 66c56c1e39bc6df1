"""Pi: its RPC mode (two-way lines of JSON), or its terminal.

Its exit status is 0 whatever happened. What counts is how its last message stopped, and that it is
settled: it announces a retry, or a summary of a conversation that has grown too long, only after it
has said that it ended, so that a question follows each end, and the answer to it settles it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from inspan.agents import json_lines
from inspan.agents.dialect import OwnFolder, Tells, Turn, When
from inspan.agents.endings import by_status, by_words, silent_end
from inspan.agents.handed import Handed
from inspan.agents.json_lines import items, number, object_of, text_of, words_of
from inspan.agents.signs import (
    BacksOff,
    Began,
    Counted,
    Permission,
    Reply,
    Said,
    Sign,
    Thought,
    ToolBegan,
    ToolEnded,
    TurnEnded,
    Warned,
)
from inspan.agents.titles import title
from inspan.errors import BadInput
from inspan.model.agent import AgentSession, Ending, Mode, Outcome, Usage
from inspan.model.task import Exit

_HINT_LOGIN: Final = "Run `pi` once and `/login`, or set the key of its provider."

#: It puts the status of the model's service before its words.
_STATUS: Final = re.compile(r"\s*(?:HTTP\s*)?(\d{3})\b")
#: Its words for an answer that broke off.
_BROKE_OFF: Final = ("terminated", "premature close", "other side closed", "stream ended")
_UNKNOWN: Final = re.compile(r"no session found|session not found", re.IGNORECASE)


class Pi:
    """What is true of the program."""

    name: Final = "pi"
    program: Final = "pi"
    install: Final = "npm install -g @mariozechner/pi-coding-agent"
    modes: Final = (Mode.STREAM, Mode.PTY)
    settings: Final = (
        "PI_CODING_AGENT_DIR",
        "PI_CODING_AGENT_SESSION_DIR",
        "PI_PACKAGE_DIR",
        "PI_OFFLINE",
        "PI_TELEMETRY",
        "PI_CACHE_RETENTION",
        "AWS_PROFILE",
        "AWS_REGION",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_CLOUD_LOCATION",
        "GOOGLE_CLOUD_PROJECT",
    )
    #: What opens more than a model, such as GH_TOKEN, it gets only where --secret names it.
    secrets: Final = (
        "AI_GATEWAY_API_KEY",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_OAUTH_TOKEN",
        "AWS_BEARER_TOKEN_BEDROCK",
        "AZURE_OPENAI_API_KEY",
        "CEREBRAS_API_KEY",
        "CLOUDFLARE_API_KEY",
        "COPILOT_GITHUB_TOKEN",
        "DEEPSEEK_API_KEY",
        "FIREWORKS_API_KEY",
        "GEMINI_API_KEY",
        "GOOGLE_CLOUD_API_KEY",
        "GROQ_API_KEY",
        "HF_TOKEN",
        "KIMI_API_KEY",
        "MINIMAX_API_KEY",
        "MINIMAX_CN_API_KEY",
        "MISTRAL_API_KEY",
        "MOONSHOT_API_KEY",
        "OPENAI_API_KEY",
        "OPENCODE_API_KEY",
        "OPENROUTER_API_KEY",
        "XAI_API_KEY",
        "XIAOMI_API_KEY",
        "ZAI_API_KEY",
    )
    keeps: Final = (
        OwnFolder(
            path=".pi/agent",
            variable="PI_CODING_AGENT_DIR",
            fixed=("settings.json", "AGENTS.md", "extensions/", "prompts/", "skills/"),
        ),
    )

    def check(self, turn: Turn) -> None:
        """Anything can be asked: the prompt goes in as JSON, or behind a blank."""

    def argv(self, turn: Turn) -> tuple[str, ...]:
        """Its command line; the prompt is no part of it but on a terminal.

        It knows no `--`. What begins with `-` is a flag and what begins with `@` a file, wherever
        it stands; the first word may be a command, and one behind a flag that it does not know
        belongs to that flag. A blank makes a prompt of anything, ahead of the person's arguments.
        """
        resume = ("--session", turn.resume) if turn.resume else ()
        if turn.mode is Mode.PTY:
            prompt = (f" {turn.prompt}",) if turn.prompt else ()
            return (self.program, *resume, *prompt, *turn.arguments)
        return (self.program, "--mode", "rpc", *resume, *turn.arguments)

    def env(self, _turn: Turn) -> dict[str, str]:
        """Nobody is there to read of a newer version."""
        return {"PI_SKIP_VERSION_CHECK": "1"}

    #: Each message of its model tells both, the cost by its own list of prices.
    tells: Final = Tells(cost=When.AS_IT_GOES, tokens=When.AS_IT_GOES)

    def talk(self, turn: Turn) -> PiTalk:
        """A new conversation."""
        return PiTalk(turn)


class PiTalk:
    """One process of it in its RPC mode."""

    def __init__(self, turn: Turn) -> None:
        self.handed = Handed()
        self._turn = turn
        #: Prompts that it has not said to have taken.
        self._untaken = 0
        self._working = False
        #: What it announced that it does before it is done: a retry, or a summary.
        self._holding = False
        self._settled = False
        self._broken = False
        self._outcome: Outcome | None = None
        self._usage = Usage()
        #: What it asks, by the id of the request.
        self._open: dict[str, dict[str, Any]] = {}
        self._busy = False  # it said or did something since it was last prompted
        self._speaking = ""  # the kind of text whose pieces come
        self._heard_text = False

    def begin(self) -> bytes:
        """Ask who it is, for the id of its session, and prompt it."""
        return json_lines.line({"id": "who", "type": "get_state"}) + _prompt(self._turn.prompt)

    @property
    def over(self) -> bool:
        """True where it has settled, with every prompt taken."""
        return self._broken or (self._settled and not self._untaken)

    def ask(self, prompt: str, key: str = "") -> bytes | None:
        """One more prompt: before its next step, or at once where it does nothing.

        One that comes between its taking a prompt and its beginning is taken, and lost.
        """
        idle = self._outcome is not None and not (self._untaken or self._holding)
        return _prompt(prompt, key) if self._working or idle else None

    def answer(self, request: str, text: str) -> bytes | None:
        """What an extension asks. Raises BadInput where its options have no such word."""
        asked = self._open.get(request)
        if asked is None:
            return None
        told = {"type": "extension_ui_response", "id": request}
        match asked.get("method"):
            case "confirm":
                return json_lines.line({**told, "confirmed": text == "allow"})
            case "select" if text in _options(asked):
                return json_lines.line({**told, "value": text})
            case "select" if text != "deny":
                words = ", ".join(_options(asked))
                raise BadInput(f"that is none of its options: {words}", hint="Or `deny` them all.")
            case "select":
                return json_lines.line({**told, "cancelled": True})
            case _:
                return json_lines.line({**told, "value": text})

    def interrupt(self) -> bytes:
        """End what it does; it stays, with its session."""
        return json_lines.line({"id": "abort", "type": "abort"})

    def sent(self, line: bytes) -> None:
        """Remember what it was asked and answered."""
        told = json_lines.parsed(line)
        if told.get("type") == "prompt":
            self._untaken += 1
            self.handed.write(_key(told))
            self._settled = False
            self._outcome = None
            self._busy = False
        elif told.get("type") == "extension_ui_response":
            self._open.pop(words_of(told, "id"), None)

    def heard(self, line: bytes) -> Iterator[Sign]:
        """What it says."""
        told = json_lines.parsed(line)
        match told.get("type"):
            case "response":
                yield from self._answered(told)
            case "message_update":
                yield from self._piece(object_of(told, "assistantMessageEvent"))
            case "message_end":
                yield from self._message(object_of(told, "message"))
            case "tool_execution_start":
                name = words_of(told, "toolName")
                yield ToolBegan(words_of(told, "toolCallId"), name, title(told.get("args")))
            case "tool_execution_end":
                text = text_of(object_of(told, "result").get("content"))
                yield ToolEnded(words_of(told, "toolCallId"), not told.get("isError"), text)
            case "extension_ui_request":
                yield from self._wants(told)
            case "extension_error":
                yield Warned(words_of(told, "error"))
            case _:
                yield from self._progress(told)

    def outcome(self, how: Exit, *, stopped: bool, complaint: str) -> Outcome:
        """How its last message stopped, where it settled; otherwise it was stopped, or failed."""
        if self._outcome is not None and self.over:
            return self._outcome
        if stopped:
            return Outcome(Ending.STOPPED, "it was interrupted")
        if self._outcome is not None and not self._outcome.ok:
            return self._outcome
        if self._turn.resume and _UNKNOWN.search(complaint):
            return Outcome(Ending.FORGOTTEN, complaint.strip())
        return silent_end("pi", how, complaint, login_hint=_HINT_LOGIN)

    # ── what its lines say ────────────────────────────────────────────────────

    def _answered(self, told: dict[str, Any]) -> Iterator[Sign]:
        data = object_of(told, "data")
        match told.get("command"):
            case "get_state" if data:
                model = words_of(data, "model", "id")
                session = words_of(data, "sessionId")
                yield Began(AgentSession(id=session, mode=Mode.STREAM, model=model))
            case "get_session_stats":
                yield from self._settle()
            case "prompt":
                self._untaken = max(0, self._untaken - 1)
                if told.get("success") is False:
                    self.handed.lose(_key(told), words_of(told, "error"))
                if told.get("success") is False and self._outcome is None and not self._working:
                    self._broken = True
                    self._outcome = _trouble(words_of(told, "error"))
                    yield TurnEnded(self._outcome)
            case _:
                return

    def _settle(self) -> Iterator[Sign]:
        waits = self._untaken or self._working or self._holding or self._settled
        if self._outcome is not None and not waits:
            self._settled = True
            self._open.clear()
            yield TurnEnded(self._outcome)

    def _progress(self, told: dict[str, Any]) -> Iterator[Sign]:
        match told.get("type"):
            case "agent_start":
                self._working = True
                self._holding = False
            case "agent_end":
                self._working = False
                self._outcome = self._judged(items(told, "messages"))
                yield _IS_THAT_ALL
            case "auto_retry_start":
                self._holding = True
                seconds = number(told, "delayMs") / 1000
                why = words_of(told, "errorMessage")
                yield BacksOff(seconds, why, _trouble(why).ending)
            case "auto_retry_end":
                self._holding = False
            case "compaction_start":
                self._holding = True
            case "compaction_end":
                self._holding = told.get("willRetry") is True
                if not self._working:
                    yield _IS_THAT_ALL
            case _:
                return

    def _piece(self, event: dict[str, Any]) -> Iterator[Sign]:
        """A piece of a message. The message so far comes with each of them, and is passed over."""
        kind = words_of(event, "type")
        if kind not in ("text_delta", "thinking_delta"):
            self._speaking = ""
            return
        more, self._speaking = kind == self._speaking, kind
        if kind == "text_delta":
            self._heard_text = True
            yield Said(words_of(event, "delta"), more)
        else:
            yield Thought(words_of(event, "delta"), more)

    def _message(self, message: dict[str, Any]) -> Iterator[Sign]:
        if message.get("role") == "user":
            self.handed.start_next()  # its model is told of it now, also in the middle of a turn
        if message.get("role") != "assistant":
            return
        parts = items(message, "content")
        self._busy = self._busy or bool(parts)
        if not self._heard_text:
            yield from (Said(words_of(part, "text")) for part in parts if part.get("text"))
        self._heard_text = False
        self._speaking = ""
        used = object_of(message, "usage")
        if number(used, "totalTokens"):
            self._usage = self._usage.plus(_usage(used))
            yield Counted(self._usage)

    def _wants(self, told: dict[str, Any]) -> Iterator[Sign]:
        """An extension of the person's asks, or tells."""
        request, name = words_of(told, "id"), words_of(told, "title")
        match told.get("method"):
            case "confirm":
                self._open[request] = told
                yield Permission(request, name, title(words_of(told, "message")))
            case "select":
                self._open[request] = told
                yield Permission(request, name, "", _options(told))
            case "input" | "editor":
                self._open[request] = told
                yield Permission(request, name, words_of(told, "placeholder"), ())
            case "notify" if told.get("notifyType") in ("warning", "error"):
                yield Warned(words_of(told, "message"))
            case _:
                return

    def _judged(self, messages: list[dict[str, Any]]) -> Outcome:
        said = [message for message in messages if message.get("role") == "assistant"]
        last = said[-1] if said else {}
        match words_of(last, "stopReason"):
            case "stop" if self._busy or self._usage.written:
                return Outcome(Ending.DONE)
            case "stop":
                return Outcome(Ending.EMPTY, "it ended its turn without having done anything")
            case "aborted":
                return Outcome(Ending.STOPPED, "its turn was interrupted")
            case "length":
                return Outcome(Ending.CUT, "its model's answer reached the limit of its length")
            case _:
                return _trouble(words_of(last, "errorMessage"))


#: The question that follows its end: what it has to say before it answers, it says before.
_IS_THAT_ALL: Final = Reply(json_lines.line({"id": "settled", "type": "get_session_stats"}))


def _prompt(text: str, key: str = "") -> bytes:
    told = {"id": f"prompt:{key}" if key else "prompt", "type": "prompt", "message": text}
    return json_lines.line({**told, "streamingBehavior": "steer"})


def _key(told: dict[str, Any]) -> str:
    """The key of the prompt that a line hands over, or answers."""
    return words_of(told, "id").partition(":")[2]


def _trouble(message: str) -> Outcome:
    if found := _STATUS.match(message):
        return by_status(int(found[1]), message, login_hint=_HINT_LOGIN)
    if message.lower().startswith(_BROKE_OFF):
        return Outcome(Ending.CUT, f"its model's answer broke off: {message}")
    return by_words(message, login_hint=_HINT_LOGIN)


def _usage(used: dict[str, Any]) -> Usage:
    cached = int(number(used, "cacheRead"))
    return Usage(
        read=int(number(used, "input")) + cached + int(number(used, "cacheWrite")),
        cached=cached,
        written=int(number(used, "output")),
        turns=1,
        cost=number(object_of(used, "cost"), "total"),
    )


def _options(asked: dict[str, Any]) -> tuple[str, ...]:
    options = asked.get("options")
    found = options if isinstance(options, list) else []
    return tuple(option for option in found if isinstance(option, str))
