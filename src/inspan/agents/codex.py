"""Codex: its app-server (two-way lines of JSON), an adapter, or its terminal.

The server speaks JSON-RPC without its version and outlives every failure, so that its exit status
says nothing: what counts is ``turn/completed``. Its prompt needs a thread first, which it is asked
for when it has greeted, so a conversation begins with three exchanges.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from inspan.agents import json_lines
from inspan.agents.acp import AcpTalk, Speaker
from inspan.agents.acp_files import NOTHING
from inspan.agents.codex_words import HINT_LOGIN, aim, files, lifted_at, result, tool, trouble
from inspan.agents.dialect import Adapter, OwnFolder, Talk, Tells, Turn, When
from inspan.agents.endings import by_words, silent_end
from inspan.agents.handed import Handed
from inspan.agents.json_lines import number, object_of, words_of
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
from inspan.agents.titles import title
from inspan.model.agent import AgentSession, Ending, Mode, Outcome, Usage
from inspan.model.task import Exit

#: JSON-RPC 2.0, section 5.1: there is no such method here.
_NO_METHOD: Final = -32601


#: It brings a Codex of its own, and has no files read or written by us (2.6.0).
ADAPTER: Final = Adapter("codex-acp", "npm install -g @agentclientprotocol/codex-acp")


class Codex:
    """What is true of the program."""

    name: Final = "codex"
    program: Final = "codex"
    install: Final = "npm install -g @openai/codex"
    modes: Final = (Mode.STREAM, Mode.ACP, Mode.PTY)
    adapters: Final = MappingProxyType({Mode.ACP: ADAPTER})
    settings: Final = ("CODEX_HOME", "CODEX_SQLITE_HOME", "CODEX_CA_CERTIFICATE", "OPENAI_BASE_URL")
    secrets: Final = ("OPENAI_API_KEY", "CODEX_API_KEY", "CODEX_ACCESS_TOKEN")
    keeps: Final = (
        OwnFolder(
            path=".codex",
            variable="CODEX_HOME",
            fixed=("config.toml", "hooks.json", "AGENTS.md", "prompts/", "rules/"),
        ),
    )

    def check(self, turn: Turn) -> None:
        """Anything can be asked: the prompt goes in as JSON, or behind `--`."""

    def argv(self, turn: Turn) -> tuple[str, ...]:
        """Its command line; the prompt is no part of it but on a terminal.

        Its terminal would leave a daemon of its own behind, which goes on with the work after it.
        """
        if turn.mode is Mode.ACP:
            return (ADAPTER.program, *turn.arguments)
        alone = ("-c", "features.daemon_auto_start=false")
        if turn.mode is Mode.PTY:
            resume = ("resume", turn.resume) if turn.resume else ()
            prompt = ("--", turn.prompt) if turn.prompt else ()
            return (self.program, *resume, *alone, *turn.arguments, *prompt)
        return (self.program, "app-server", *alone, *turn.arguments)

    def env(self, _turn: Turn) -> dict[str, str]:
        """It needs nothing."""
        return {}

    #: The total of its thread is told after each call of its model. Of prices it knows nothing.
    tells: Final = Tells(tokens=When.AS_IT_GOES)

    def talk(self, turn: Turn) -> Talk:
        """A new conversation."""
        if turn.mode is Mode.ACP:
            return AcpTalk(
                turn, Speaker(login_hint=HINT_LOGIN, silent=_silent, files=NOTHING, terminals=False)
            )
        return CodexTalk(turn)


def _silent(how: Exit, complaint: str) -> Outcome:
    return silent_end("codex", how, complaint, login_hint=HINT_LOGIN)


class CodexTalk:
    """One process of its app-server, with one thread of ours in it."""

    def __init__(self, turn: Turn) -> None:
        self.handed = Handed()
        self._turn = turn
        self._thread = ""
        #: The turn that goes on; empty between two.
        self._running = ""
        self._turns: set[str] = set()
        #: The keys of the prompts that a turn was asked for, which has not begun.
        self._starting: list[str] = []
        self._asked = 0
        self._ended = 0
        #: What each of our requests was, by its id, until it is answered.
        self._requests: dict[str, dict[str, Any]] = {}
        self._number = 0
        #: What it asks, by the id of its request as text.
        self._open: dict[str, dict[str, Any]] = {}
        #: The files that each change would touch that it means to make, by item.
        self._changes: dict[str, tuple[str, ...]] = {}
        self._session = AgentSession(id="", mode=Mode.STREAM)
        self._outcome: Outcome | None = None
        self._broken: Outcome | None = None
        self._retried: Outcome | None = None
        #: What it was told last of its usage limits.
        self._limits: dict[str, Any] = {}
        self._before = Usage()
        self._usage = Usage()
        self._calls = 0
        self._busy = False  # it said or did something in this turn
        self._speaking = ""  # the message whose pieces come

    def begin(self) -> bytes:
        """The greeting; the prompt follows when it is answered."""
        client = {"name": "inspan", "title": "inspan", "version": "1"}
        return _request(1, "initialize", {"clientInfo": client})

    @property
    def over(self) -> bool:
        """True where it has ended every turn, or never will."""
        return self._broken is not None or (
            self._ended >= self._asked > 0
            and all(request["method"] == "turn/interrupt" for request in self._requests.values())
        )

    def ask(self, prompt: str, key: str = "") -> bytes | None:
        """One more prompt: into the turn that goes on, or for one of its own."""
        if not self._asked or self._broken is not None:
            return None
        if self._running:
            return self._steer(prompt, key)
        return None if self._ended < self._asked else self._start(self._next(key), prompt)

    def answer(self, request: str, text: str) -> bytes | None:
        """``allow``; ``deny``; anything else denies, and is said to it in its turn."""
        asked = self._open.get(request)
        if asked is None:
            return None
        allowed = text == "allow"
        told = json_lines.line({"id": asked["id"], "result": _decision(asked, allowed=allowed)})
        if not allowed and text != "deny" and self._running:
            told += self._steer(text)
        return told

    def interrupt(self) -> bytes | None:
        """End the turn; its thread can be taken up again."""
        if not self._running:
            return None
        where = {"threadId": self._thread, "turnId": self._running}
        return _request(self._next(), "turn/interrupt", where)

    def sent(self, line: bytes) -> None:
        """Remember what it was asked and answered."""
        told = json_lines.parsed(line)
        if "method" not in told:
            self._open.pop(str(told.get("id")), None)
        elif "id" in told:
            self._number += 1
            self._requests[str(told["id"])] = told
            if told["method"] == "turn/start":
                self._asked += 1
                self._busy = False
                self._starting.append(_key(told))
            if told["method"] in ("turn/start", "turn/steer"):
                self.handed.write(_key(told))

    def heard(self, line: bytes) -> Iterator[Sign]:
        """What it says."""
        told = json_lines.parsed(line)
        method, params = words_of(told, "method"), object_of(told, "params")
        if not method:
            yield from self._answered(told)
        elif "id" in told:
            yield from self._wants(told, params)
        elif params.get("threadId", self._thread) == self._thread or not self._thread:
            yield from self._notified(method, params)

    def outcome(self, how: Exit, *, stopped: bool, complaint: str) -> Outcome:
        """How its last turn ended; without an end it was stopped, or has failed."""
        if self._broken is not None:
            return self._broken
        if self._outcome is not None and self.over:
            return self._outcome
        if stopped:
            return Outcome(Ending.STOPPED, "it was interrupted")
        if self._retried is not None:
            return self._retried
        return _silent(how, complaint)

    # ── what it is asked ──────────────────────────────────────────────────────

    def _next(self, key: str = "") -> int | str:
        """The id of a request that somebody makes, with the key of the prompt that it hands over.

        Those that begin a conversation have ids that never differ, so that each is the same line
        again where the recording is read anew, whatever came between.
        """
        return f"{self._number + 1}:{key}" if key else self._number + 1

    def _start(self, ours: int | str, prompt: str) -> bytes:
        text = {"type": "text", "text": prompt}
        return _request(ours, "turn/start", {"threadId": self._thread, "input": [text]})

    def _steer(self, prompt: str, key: str = "") -> bytes:
        text = {"type": "text", "text": prompt}
        where = {"threadId": self._thread, "expectedTurnId": self._running}
        return _request(self._next(key), "turn/steer", {**where, "input": [text]})

    def _answered(self, told: dict[str, Any]) -> Iterator[Sign]:
        asked = self._requests.pop(str(told.get("id")), {})
        method, result = words_of(asked, "method"), object_of(told, "result")
        if method == "turn/steer" and "error" not in told:
            self.handed.start(_key(asked))
        if "error" in told:
            yield from self._refused(method, asked, words_of(told, "error", "message"))
        elif method == "initialize":
            # `codex/1.2.3 (Debian …)`, with the name of the client for its own.
            version = words_of(result, "userAgent").partition("/")[2].split(" ")[0]
            self._session = replace(self._session, version=version)
            yield Reply(json_lines.line({"method": "initialized"}) + self._open_thread())
        elif method in ("thread/start", "thread/resume"):
            self._thread = words_of(result, "thread", "id")
            model = words_of(result, "model")
            version = words_of(result, "thread", "cliVersion") or self._session.version
            self._session = replace(self._session, model=model, version=version)
            yield Reply(self._start(3, self._turn.prompt))

    def _open_thread(self) -> bytes:
        if self._turn.resume is None:
            return _request(2, "thread/start", {"cwd": self._turn.cwd})
        where = {"threadId": self._turn.resume, "cwd": self._turn.cwd}
        return _request(2, "thread/resume", {**where, "excludeTurns": True})

    def _refused(self, method: str, asked: dict[str, Any], why: str) -> Iterator[Sign]:
        if method == "turn/steer":
            # Its turn ended before it read this: what was said begins one of its own.
            params = object_of(asked, "params")
            params.pop("expectedTurnId", None)
            yield Reply(_request(f"again-{asked['id']}", "turn/start", params))
        elif method != "turn/interrupt":
            self.handed.lose(_key(asked), why)
            failed = by_words(why, login_hint=HINT_LOGIN)
            if method == "thread/resume" and failed.ending is Ending.FAILED:
                failed = Outcome(Ending.FORGOTTEN, why)
            self._broken = failed
            yield TurnEnded(failed)

    # ── what it asks ──────────────────────────────────────────────────────────

    def _wants(self, told: dict[str, Any], params: dict[str, Any]) -> Iterator[Sign]:
        asked = self._permission(str(told["id"]), words_of(told, "method"), params)
        if asked is None:
            why = {"code": _NO_METHOD, "message": "nobody is here to answer that"}
            yield Reply(json_lines.line({"id": told["id"], "error": why}))
            return
        self._open[asked.request] = told
        reason = words_of(params, "reason")
        yield replace(asked, title=f"{asked.title} ({reason})") if reason else asked

    def _permission(self, ours: str, method: str, params: dict[str, Any]) -> Permission | None:
        match method:
            case "item/commandExecution/requestApproval":
                line = words_of(params, "command")
                return Permission(ours, "command", title(line), line=line or None)
            case "item/fileChange/requestApproval":
                paths = self._changes.get(words_of(params, "itemId"), ())
                if root := words_of(params, "grantRoot"):  # it would be free to write there then
                    return Permission(ours, "change", ", ".join((*paths, f"all below {root}")))
                return Permission(ours, "change", ", ".join(paths), paths=paths)
            case "item/permissions/requestApproval":
                return Permission(ours, "permissions", title(params.get("permissions")))
            case "mcpServer/elicitation/request" if _is_plain(params):
                name = words_of(params, "serverName") or "mcp"
                return Permission(ours, name, words_of(params, "message"))
            case _:
                return None

    # ── what it tells ─────────────────────────────────────────────────────────

    def _notified(self, method: str, params: dict[str, Any]) -> Iterator[Sign]:
        match method:
            case "turn/started":
                yield from self._began(params)
            case "turn/completed":
                yield from self._completed(object_of(params, "turn"))
            case "item/started":
                yield from self._item_began(object_of(params, "item"))
            case "item/completed":
                yield from self._item_ended(object_of(params, "item"))
            case "item/agentMessage/delta":
                item = words_of(params, "itemId")
                yield Said(words_of(params, "delta"), more=item == self._speaking)
                self._speaking = item
            case "thread/tokenUsage/updated":
                yield from self._counted(params)
            case "serverRequest/resolved":
                request = str(params.get("requestId"))
                if self._open.pop(request, None) is not None:
                    yield Withdrawn(request)
            case "account/rateLimits/updated":
                self._limits = object_of(params, "rateLimits")
            case _:
                yield from self._amiss(method, params)

    def _amiss(self, method: str, params: dict[str, Any]) -> Iterator[Sign]:
        if method in ("warning", "guardianWarning"):
            yield Warned(words_of(params, "message"))
        elif method == "error" and params.get("willRetry"):  # others end its turn, which has them
            error = object_of(params, "error")
            why = words_of(error, "additionalDetails") or words_of(error, "message")
            self._retried = trouble({**error, "message": why})
            yield BacksOff(0, why, self._retried.ending)

    def _began(self, params: dict[str, Any]) -> Iterator[Sign]:
        """A thread can be taken up again from its first turn on, so only then it has begun."""
        first = not self._turns
        self._running = words_of(params, "turn", "id")
        self._turns.add(self._running)
        for asked in self._starting:
            self.handed.start(asked)
        self._starting.clear()
        if first:
            self._thread = words_of(params, "threadId")
            yield Began(replace(self._session, id=self._thread))

    def _completed(self, turn: dict[str, Any]) -> Iterator[Sign]:
        self._ended += 1
        self._running = ""
        self._open.clear()
        self._changes.clear()
        self._retried = None
        self._outcome = self._judged(turn)
        if self._outcome.ending is Ending.QUOTA:
            self._outcome = replace(self._outcome, retry_at=lifted_at(self._limits))
        yield TurnEnded(self._outcome)

    def _judged(self, turn: dict[str, Any]) -> Outcome:
        match words_of(turn, "status"):
            case "completed" if self._busy or self._usage.written:
                return Outcome(Ending.DONE)
            case "completed":
                return Outcome(Ending.EMPTY, "it ended its turn without having done anything")
            case "interrupted":
                return Outcome(Ending.STOPPED, "its turn was interrupted")
            case _:
                return trouble(object_of(turn, "error"))

    def _item_began(self, item: dict[str, Any]) -> Iterator[Sign]:
        if (name := tool(item)) is not None:
            self._busy = True
            if item.get("type") == "fileChange":
                self._changes[words_of(item, "id")] = files(item)
            yield ToolBegan(words_of(item, "id"), name, aim(item))

    def _item_ended(self, item: dict[str, Any]) -> Iterator[Sign]:
        match item.get("type"):
            case "agentMessage":
                self._busy = True
                if words_of(item, "id") != self._speaking:  # it came in one piece
                    yield Said(words_of(item, "text"))
                self._speaking = ""
            case "reasoning":
                told = item.get("summary") or item.get("content") or []
                yield Thought("\n".join(part for part in told if isinstance(part, str)))
            case _ if tool(item) is not None:
                ok = item.get("status") not in ("failed", "declined")
                yield ToolEnded(words_of(item, "id"), ok, result(item))
            case _:
                return

    def _counted(self, params: dict[str, Any]) -> Iterator[Sign]:
        """Its totals are those of the thread: what earlier processes used of it is taken away."""
        total = object_of(object_of(params, "tokenUsage"), "total")
        cached = int(number(total, "cachedInputTokens"))
        used = Usage(
            read=int(number(total, "inputTokens")),
            cached=cached,
            written=int(number(total, "outputTokens")),
        )
        if words_of(params, "turnId") not in self._turns:
            self._before = used
            return
        self._calls += 1
        self._usage = Usage(
            read=used.read - self._before.read,
            cached=used.cached - self._before.cached,
            written=used.written - self._before.written,
            turns=self._calls,
        )
        yield Counted(self._usage)


def _key(request: dict[str, Any]) -> str:
    """The key of the prompt that a request hands over; empty where it has none."""
    return str(request.get("id")).partition(":")[2]


def _request(ours: int | str, method: str, params: dict[str, Any]) -> bytes:
    return json_lines.line({"id": ours, "method": method, "params": params})


def _decision(asked: dict[str, Any], *, allowed: bool) -> dict[str, Any]:
    match asked["method"]:
        case "item/permissions/requestApproval":
            wanted = object_of(object_of(asked, "params"), "permissions")
            return {"permissions": wanted if allowed else {}}
        case "mcpServer/elicitation/request":
            return {"action": "accept", "content": {}} if allowed else {"action": "decline"}
        case _:
            return {"decision": "accept" if allowed else "decline"}


def _is_plain(params: dict[str, Any]) -> bool:
    """True where yes or no is a whole answer: nothing has to be filled in."""
    schema = object_of(params, "requestedSchema")
    return words_of(params, "mode") == "form" and not schema.get("properties")
