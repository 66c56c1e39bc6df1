"""Claude Code: two-way JSON lines (``--input-format stream-json``), an adapter, or its terminal.

Its exit status and its ``subtype`` lie: 429 is told as ``success`` with ``is_error``, and SIGINT
gives 0. What counts is the ``result`` and, where none came, that none came.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from inspan.agents import hooking, json_lines
from inspan.agents.acp import AcpTalk, Speaker
from inspan.agents.acp_files import NOTHING
from inspan.agents.dialect import Adapter, LoginAnswer, OwnFolder, Talk, Tells, Turn, When
from inspan.agents.endings import by_status, silent_end
from inspan.agents.handed import Handed
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
    Withdrawn,
)
from inspan.agents.tally import Tally
from inspan.agents.titles import title
from inspan.model.activity import Doing
from inspan.model.agent import AgentSession, Ending, Mode, Outcome, Usage
from inspan.model.hook import Hook
from inspan.model.task import Exit

#: A prompt that waits for the end of the turn, as one of its lines that it passes over. Of several
#: that are written during a turn it makes one turn or none of their own, as it happens, and then
#: nobody can tell whether it has ended them all.
_HELD: Final = "keep_alive"

_HINT_LOGIN: Final = "Run `claude` once and log in, or set ANTHROPIC_API_KEY."

#: The kinds of error that it names on a message.
_ERRORS: Final = {
    "authentication_failed": Ending.LOGIN,
    "billing_error": Ending.QUOTA,
    "rate_limit": Ending.QUOTA,
    "overloaded": Ending.OVERLOADED,
    "server_error": Ending.OVERLOADED,
}

#: Its tools that are about one file and nothing else, with the argument that names it.
_FILE_OF: Final = {
    "Read": "file_path",
    "Write": "file_path",
    "Edit": "file_path",
    "MultiEdit": "file_path",
    "NotebookEdit": "notebook_path",
}


#: What its hooks say. They come beside those of the person, and change nothing of these. No hook
#: tells that a question was answered, and one that is about to be asked may be answered by another
#: hook; so there the screen has to be heard, and a notification tells what stands for a while.
_HOOKS: Final = (
    "--settings",
    hooking.settings(
        Hook("UserPromptSubmit", Doing.WORKING),
        Hook("PreToolUse", Doing.WORKING),
        Hook("PermissionRequest", Doing.UNKNOWN),
        Hook("PostToolUse", Doing.WORKING),
        Hook("Stop", Doing.IDLE),
        Hook("StopFailure", Doing.IDLE),
        permission_prompt=Hook("Notification", Doing.WAITING),
        elicitation_dialog=Hook("Notification", Doing.WAITING, "question"),
    ),
)


#: It runs a Claude Code of its own, and has no files read or written by us (0.100.0).
ADAPTER: Final = Adapter("claude-agent-acp", "npm install -g @agentclientprotocol/claude-agent-acp")


class Claude:
    """What is true of the program."""

    name: Final = "claude"
    program: Final = "claude"
    install: Final = "npm install -g @anthropic-ai/claude-code"
    modes: Final = (Mode.STREAM, Mode.ACP, Mode.PTY)
    adapters: Final = MappingProxyType({Mode.ACP: ADAPTER})
    settings: Final = (
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_MODEL",
        "ANTHROPIC_SMALL_FAST_MODEL",
        "CLAUDE_CONFIG_DIR",
        "CLAUDE_CODE_USE_*",
        "CLAUDE_CODE_MAX_*",
        "CLAUDE_CODE_DISABLE_*",
        "DISABLE_*",
        "IS_SANDBOX",
    )
    secrets: Final = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")
    keeps: Final = (
        OwnFolder(
            path=".claude",
            variable="CLAUDE_CONFIG_DIR",
            fixed=("settings.json", "CLAUDE.md", "agents/", "commands/", "hooks/", "plugins/"),
        ),
        OwnFolder(path=".claude.json", variable="CLAUDE_CONFIG_DIR", file=True),
    )

    def check(self, turn: Turn) -> None:
        """Anything can be asked: the prompt goes in as JSON."""

    def argv(self, turn: Turn) -> tuple[str, ...]:
        """Its command line; the prompt is no part of it but on a terminal."""
        if turn.mode is Mode.ACP:
            return (ADAPTER.program, *turn.arguments)
        resume = ("--resume", turn.resume) if turn.resume else ()
        if turn.mode is Mode.PTY:
            # What follows `--` is the prompt, whatever it begins with.
            prompt = ("--", turn.prompt) if turn.prompt else ()
            # Of two settings the last counts: a person's own are not ours to take away.
            return (self.program, *_HOOKS, *resume, *turn.arguments, *prompt)
        stream = ("-p", "--verbose", "--input-format", "stream-json")
        asks = ("--output-format", "stream-json", "--permission-prompt-tool", "stdio")
        cost = turn.cost_most
        keeps = () if cost is None else ("--max-budget-usd", f"{cost:.4f}")
        return (self.program, *stream, *asks, *keeps, *resume, *turn.arguments)

    def env(self, _turn: Turn) -> dict[str, str]:
        """An update in the middle of the night is nothing that anybody asked for."""
        return {"DISABLE_AUTOUPDATER": "1"}

    #: Its messages tell all tokens that they read, and the written ones when the turn has ended.
    tells: Final = Tells(cost=When.KEEPS, tokens=When.AS_IT_GOES)

    login_hint: Final = _HINT_LOGIN

    def ask_login(self) -> tuple[str, ...]:
        """It looks at its own files and variables, and asks no service."""
        return (self.program, "auth", "status")

    def login(self, how: Exit, told: bytes) -> LoginAnswer:
        """It tells JSON; a version that does not is believed to be logged in until it fails."""
        known = json_lines.parsed(told).get("loggedIn")
        if known is False:
            return LoginAnswer(ok=False, message="`claude auth status` says so", final=True)
        if how.signal:
            return LoginAnswer(ok=False, message=f"claude was ended by signal {how.signal}")
        return LoginAnswer(ok=True)

    def talk(self, turn: Turn) -> Talk:
        """A new conversation."""
        if turn.mode is Mode.ACP:
            return AcpTalk(
                turn,
                Speaker(login_hint=_HINT_LOGIN, silent=_silent, files=NOTHING, terminals=False),
            )
        return ClaudeTalk(turn)


def _silent(how: Exit, complaint: str) -> Outcome:
    return silent_end("claude", how, complaint, login_hint=_HINT_LOGIN)


class ClaudeTalk:
    """One process of it, in two-way JSON lines."""

    def __init__(self, turn: Turn) -> None:
        self.handed = Handed()
        self._turn = turn
        self._asked = 0
        self._ended = 0
        #: The input of each tool that waits for a permission: to allow it is to send it back.
        self._open: dict[str, dict[str, Any]] = {}
        self._outcome: Outcome | None = None
        self._tally = Tally()
        self._busy = False  # it said or did something in this turn
        self._retried: Outcome | None = None
        #: What kind of error its last message was, if one.
        self._error = ""
        #: When the usage limit that it came to is lifted.
        self._resets_at: float | None = None

    def begin(self) -> bytes:
        """The prompt."""
        return _prompt(self._turn.prompt)

    @property
    def over(self) -> bool:
        """True where it has ended every prompt it was given."""
        return self._ended >= self._asked > 0 and self.handed.next is None

    def ask(self, prompt: str, key: str = "") -> bytes:
        """One more prompt; during a turn it waits for its end."""
        if self.over:
            return _prompt(prompt, key)
        return json_lines.line({"type": _HELD, "inspan": {"prompt": prompt, "key": key}})

    def answer(self, request: str, text: str) -> bytes | None:
        """``allow``; ``deny``; anything else denies and is told to it."""
        if request not in self._open:
            return None
        if text == "allow":
            told: dict[str, Any] = {"behavior": "allow", "updatedInput": self._open[request]}
        else:
            why = "The user does not allow it." if text == "deny" else text
            told = {"behavior": "deny", "message": why}
        response = {"subtype": "success", "request_id": request, "response": told}
        return json_lines.line({"type": "control_response", "response": response})

    def interrupt(self) -> bytes:
        """End the turn; it tells a result, and takes the next prompt."""
        request = {"subtype": "interrupt"}
        return json_lines.line(
            {"type": "control_request", "request_id": "interrupt", "request": request}
        )

    def sent(self, line: bytes) -> None:
        """Remember what it was asked and answered."""
        told = json_lines.parsed(line)
        ours = json_lines.object_of(told, "inspan")
        key = json_lines.words_of(ours, "key")
        match told.get("type"):
            case "user":
                if self._asked:
                    self._next(key)
                self._asked += 1
                self._busy = False
            case "control_response":
                self._open.pop(json_lines.words_of(told, "response", "request_id"), None)
            case "control_request":
                self.handed.drop("its turn was interrupted")
            case str(kind) if kind == _HELD:
                self.handed.hold(key, json_lines.words_of(ours, "prompt"))
            case _:
                return

    def _next(self, key: str) -> None:
        """A prompt after the first was written."""
        if self.handed.next is not None:
            self.handed.write_next()
        else:
            self.handed.write(key)

    def heard(self, line: bytes) -> Iterator[Sign]:
        """What it says."""
        told = json_lines.parsed(line)
        match told.get("type"):
            case "system":
                yield from self._system(told)
            case "assistant":
                yield from self._said(told)
            case "user":
                yield from _results(told)
            case "control_request":
                yield from self._requested(told)
            case "control_cancel_request":
                request = json_lines.words_of(told, "request_id")
                if self._open.pop(request, None) is not None:
                    yield Withdrawn(request)
            case "rate_limit_event":
                self._limited(told)
            case "result":
                yield from self._result(told)
            case _:
                return

    def outcome(self, how: Exit, *, stopped: bool, complaint: str) -> Outcome:
        """Its last result; without one it was stopped, or has failed."""
        if self._outcome is not None and self.over:
            return self._outcome
        if stopped:
            return Outcome(Ending.STOPPED, "it was interrupted")
        if self._retried is not None:
            return self._retried
        return _silent(how, complaint)

    # ── what its lines say ────────────────────────────────────────────────────

    def _system(self, told: dict[str, Any]) -> Iterator[Sign]:
        if told.get("subtype") == "init":
            session = AgentSession(
                id=json_lines.words_of(told, "session_id"),
                mode=Mode.STREAM,
                model=json_lines.words_of(told, "model"),
                version=json_lines.words_of(told, "claude_code_version"),
            )
            self.handed.start()  # it tells this at the beginning of every turn
            yield Began(session)
        elif told.get("subtype") == "api_retry":
            seconds = json_lines.number(told, "retry_delay_ms") / 1000
            status = int(json_lines.number(told, "error_status"))
            why = json_lines.words_of(told, "error") or f"status {status}"
            self._retried = by_status(status, f"claude could not reach its model: {why}")
            yield BacksOff(seconds, why, self._retried.ending)

    def _said(self, told: dict[str, Any]) -> Iterator[Sign]:
        message = told.get("message")
        if isinstance(message, dict):
            name = json_lines.words_of(message, "id")
            if self._tally.message(name, _usage(message)):
                yield Counted(self._tally.used)
        self.handed.start()
        self._error = json_lines.words_of(told, "error")
        if self._error:
            return  # its own words for an error, which the result has too
        for part in json_lines.items(told, "message", "content"):
            self._busy = True
            match part.get("type"):
                case "text":
                    yield Said(json_lines.words_of(part, "text"))
                case "thinking":
                    yield Thought(json_lines.words_of(part, "thinking"))
                case "tool_use":
                    name = json_lines.words_of(part, "name")
                    yield ToolBegan(json_lines.words_of(part, "id"), name, title(part.get("input")))
                case _:
                    continue

    def _requested(self, told: dict[str, Any]) -> Iterator[Sign]:
        request = told.get("request")
        if not isinstance(request, dict) or request.get("subtype") != "can_use_tool":
            return
        given = request.get("input")
        number = json_lines.words_of(told, "request_id")
        self._open[number] = given if isinstance(given, dict) else {}
        yield _asked(number, json_lines.words_of(request, "tool_name"), self._open[number])

    def _limited(self, told: dict[str, Any]) -> None:
        info = told.get("rate_limit_info")
        if isinstance(info, dict) and info.get("status") == "rejected":
            self._resets_at = json_lines.number(info, "resetsAt") or None

    def _result(self, told: dict[str, Any]) -> Iterator[Sign]:
        self._ended += 1
        self.handed.start()
        self._open.clear()
        self._tally.turn(_usage(told))
        yield Counted(self._tally.used)
        self._outcome = self._judged(told)
        if self._outcome.ending is Ending.QUOTA:
            self._outcome = replace(self._outcome, retry_at=self._resets_at)
        denied = len(json_lines.items(told, "permission_denials"))
        if denied and self._outcome.ok:
            was = "was" if denied == 1 else "were"
            yield Warned(f"{denied} of the things it wanted to do {was} not allowed")
        yield TurnEnded(self._outcome)
        if self.handed.next is not None:
            key, prompt = self.handed.next
            yield Reply(_prompt(prompt, key))

    def _judged(self, told: dict[str, Any]) -> Outcome:
        text = json_lines.words_of(told, "result") or "; ".join(_errors(told))
        status = int(json_lines.number(told, "api_error_status"))
        if status:
            return by_status(status, text, login_hint=_HINT_LOGIN)
        subtype = json_lines.words_of(told, "subtype")
        if not told.get("is_error") and subtype == "success":
            return self._well(told)
        return self._troubled(told, text or subtype.replace("_", " "))

    def _well(self, told: dict[str, Any]) -> Outcome:
        """It says that all is well, also where its model broke off in the middle of a word."""
        if not self._busy and not _usage(told).written:
            return Outcome(Ending.EMPTY, "it ended its turn without having done anything")
        if "stop_reason" in told and told["stop_reason"] is None:
            return Outcome(Ending.CUT, "its model's answer broke off")
        return Outcome(Ending.DONE)

    def _troubled(self, told: dict[str, Any], text: str) -> Outcome:
        if json_lines.words_of(told, "terminal_reason").startswith("aborted"):
            return Outcome(Ending.STOPPED, "its turn was interrupted")
        if told.get("subtype") == "error_max_budget_usd":
            return Outcome(Ending.BUDGET, "it has used up its budget")
        ending = _ERRORS.get(self._error)
        if "/login" in text:
            ending = Ending.LOGIN
        if ending is not None:
            return Outcome(ending, text, _HINT_LOGIN if ending is Ending.LOGIN else "")
        if self._turn.resume and not json_lines.number(told, "num_turns"):
            return Outcome(Ending.FORGOTTEN, text)
        return Outcome(Ending.FAILED, text)


def _prompt(text: str, key: str = "") -> bytes:
    told = {
        "type": "user",
        "message": {"role": "user", "content": [{"type": "text", "text": text}]},
    }
    return json_lines.line({**told, "inspan": {"key": key}} if key else told)


def _asked(number: str, name: str, given: dict[str, Any]) -> Permission:
    """What it wants; its files only where it has no other way to say which they are."""
    line = given.get("command") if name == "Bash" else None
    path = given.get(_FILE_OF[name]) if name in _FILE_OF else None
    return Permission(
        number,
        name,
        title(given),
        line=line if isinstance(line, str) else None,
        paths=(path,) if isinstance(path, str) else (),
    )


def _results(told: dict[str, Any]) -> Iterator[Sign]:
    for part in json_lines.items(told, "message", "content"):
        if part.get("type") == "tool_result":
            text = json_lines.text_of(part.get("content"))
            yield ToolEnded(
                json_lines.words_of(part, "tool_use_id"), not part.get("is_error"), text
            )


def _usage(told: dict[str, Any]) -> Usage:
    used = told.get("usage")
    counts = used if isinstance(used, dict) else {}
    cached = int(json_lines.number(counts, "cache_read_input_tokens"))
    made = int(json_lines.number(counts, "cache_creation_input_tokens"))
    cost = told.get("total_cost_usd")
    return Usage(
        read=int(json_lines.number(counts, "input_tokens")) + cached + made,
        cached=cached,
        written=int(json_lines.number(counts, "output_tokens")),
        turns=int(json_lines.number(told, "num_turns")),
        cost=float(cost) if isinstance(cost, int | float) else None,
    )


def _errors(told: dict[str, Any]) -> Iterator[str]:
    errors = told.get("errors")
    if isinstance(errors, list):
        yield from (item for item in errors if isinstance(item, str))
