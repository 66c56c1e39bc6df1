"""The Agent Client Protocol, version 1: JSON-RPC in lines, for every agent that speaks it.

A conversation is opened by two requests, and each prompt is one more; their ids are their places in
this order, so that a reply tells by itself what it answers. What we do not offer the agent we
refuse, since one that waits for ever is worse than one that is refused. What a kind of update means
is in ``acp_updates``, what it has us do with files in ``acp_files``, and with commands in
``acp_terminals``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from inspan.agents import acp_files as files
from inspan.agents import acp_terminals, json_lines
from inspan.agents.acp_updates import Updates
from inspan.agents.dialect import Turn
from inspan.agents.endings import by_status, by_words
from inspan.agents.handed import Handed
from inspan.agents.json_lines import items, number, object_of, words_of
from inspan.agents.served import NotServed, Served
from inspan.agents.signs import (
    BacksOff,
    Began,
    CommandAsked,
    Counted,
    Permission,
    Reply,
    Sign,
    ToolEnded,
    TurnEnded,
)
from inspan.errors import BadInput
from inspan.model.agent import AgentSession, Ending, Mode, Outcome
from inspan.model.task import Exit
from inspan.model.value import named_value, value

_VERSION: Final = 1
#: The ids of our requests; prompts are numbered on from ``_PROMPT``.
_HELLO: Final = 1
_OPEN: Final = 2
_PROMPT: Final = 3
#: JSON-RPC 2.0, section 5.1, and what the protocol adds: authentication is required.
_NO_METHOD: Final = -32601
_NO_LOGIN: Final = -32000

#: An extension of one agent: its model cannot be had, and it tries again.
_RETRYING: Final = "_session/retrying"
_CAUSES: Final = {"rate_limited": Ending.QUOTA}

#: What adapters call an error, beside its words: Claude Code's and Codex's.
_CALLED: Final = {
    "server_error": Ending.OVERLOADED,
    "overloaded": Ending.OVERLOADED,
    "rate_limit": Ending.QUOTA,
    "usageLimitExceeded": Ending.QUOTA,
    "serverOverloaded": Ending.OVERLOADED,
}

#: What agents say of a usage limit that say no status.
_LIMIT: Final = re.compile(r"rate limit|usage limit|quota", re.IGNORECASE)

#: A prompt that waits for the end of the turn. It is told as a notification of ours, which agents
#: pass over (their names begin with an underscore), so that it is in the recording and outlives us.
_HELD: Final = "_inspan/next_prompt"

#: Which options answer a permission, by our word, the best first.
_KINDS: Final = {"allow": ("allow_once",), "deny": ("reject_once", "reject_always")}

_STOPPED: Final = Outcome(Ending.STOPPED, "its turn was interrupted")
_STOPS: Final = {
    "cancelled": _STOPPED,
    "max_tokens": Outcome(Ending.CUT, "its model's answer was longer than it may be"),
    "max_turn_requests": Outcome(Ending.FAILED, "it made as many calls as one turn may have"),
    "refusal": Outcome(Ending.REFUSED, "its model refused to go on"),
}


@named_value
class Speaker:
    """What is particular to an agent that speaks the protocol."""

    login_hint: str
    #: What an end without its word means: its exit, and the end of its standard error.
    silent: Callable[[Exit, str], Outcome]
    #: The usage that ends a turn counts the session from its beginning, and not the turn.
    whole_session: bool = False
    #: It keeps no session before its model has answered: until then there is none to take up.
    keeps_late: bool = False
    #: It tells a session that it took up again after it has answered, and then its commands.
    retells_late: bool = False
    #: What it may have us do with files, and whether it may have us run commands.
    files: files.Offer = files.Offer()
    terminals: bool = True


@value
class _Question:
    """A permission that it waits for: the options by their kinds, and what it is for."""

    request: Any
    options: dict[str, str]
    call: str
    permission: Permission


class AcpTalk:
    """One process of an agent, with one session of it."""

    def __init__(self, turn: Turn, speaker: Speaker) -> None:
        self._turn = turn
        self._speaker = speaker
        self._session = turn.resume or ""
        self._version = ""
        self._terminals = acp_terminals.TerminalRequests(turn.cwd, offered=speaker.terminals)
        self._updates = Updates(self._terminals.shown)
        self._asked = 0
        self._ended = 0
        self.handed = Handed()
        #: What it asks, by the id of its request as JSON.
        self._open: dict[str, _Question] = {}
        #: Which of them a person answers.
        self._by_person: set[str] = set()
        self._files = files.FileRequests(speaker.files, turn.cwd)
        #: Its session, until it is told that it has begun.
        self._began: AgentSession | None = None
        self._cancelled = False  # this turn was
        self._broken: Outcome | None = None  # no session came of it
        self._outcome: Outcome | None = None
        self._retried: Outcome | None = None

    def begin(self) -> bytes:
        """The greeting; all else follows from its reply."""
        speaker = self._speaker
        offered = {"fs": speaker.files.capabilities(), "terminal": speaker.terminals}
        return _request(
            _HELLO, "initialize", {"protocolVersion": _VERSION, "clientCapabilities": offered}
        )

    @property
    def over(self) -> bool:
        """True where it has ended every prompt it was given, or never takes one."""
        done = self._ended >= self._asked > 0 and self.handed.next is None
        return self._broken is not None or done

    def ask(self, prompt: str, key: str = "") -> bytes | None:
        """One more prompt. A second one in a turn would end the first: it waits for its end."""
        if self.over:
            return None
        return _line({"method": _HELD, "params": {"prompt": prompt, "key": key}})

    def answer(self, request: str, text: str) -> bytes | None:
        """``allow``; ``deny``; anything else denies, and is its next prompt.

        To allow it a file or a command is to do it (``served``).
        """
        told = self._permitted(request, text) or self.served(request, files.DENIED)
        if told is not None and text not in _KINDS:
            told += self.ask(text) or b""
        return told

    def _permitted(self, request: str, text: str) -> bytes | None:
        asked = self._open.get(request)
        if asked is None:
            return None
        kinds = _KINDS["allow" if text == "allow" else "deny"]
        chosen = next((asked.options[kind] for kind in kinds if kind in asked.options), None)
        if chosen is None and text == "allow":
            raise BadInput("it does not offer to be allowed that once", hint="Deny it.")
        return _answer(asked.request, chosen)

    def allowed_by_person(self, request: str) -> None:
        """What is answered to that next, a person says."""
        if request in self._open:
            self._by_person.add(request)

    def served(self, request: str, answer: Served) -> bytes | None:
        """What tells it what came of a file or a command that it wanted."""
        told = self._files.answer(request, answer) or self._terminals.answer(request, answer)
        return None if told is None else _line(told)

    @property
    def terminals(self) -> tuple[str, ...]:
        """Those that it was told of and has not let go."""
        return self._terminals.made

    def interrupt(self) -> bytes | None:
        """End the turn. Some agents never do before what they asked is answered too."""
        if not self._session or self._ended >= self._asked:
            return None
        told = _line({"method": "session/cancel", "params": {"sessionId": self._session}})
        told += b"".join(_answer(asked.request, None) for asked in self._open.values())
        wanted = (*self._files.open, *self._terminals.to_be_run)
        refused = (self.served(key, files.CANCELLED) for key in wanted)
        return told + b"".join(filter(None, refused))

    def sent(self, line: bytes) -> None:
        """Remember what it was asked and answered."""
        told = json_lines.parsed(line)
        match told.get("method"):
            case "session/prompt":
                if self._asked:
                    self.handed.write_next()
                self._asked += 1
                self._cancelled = False
            case "initialize":
                offered = object_of(object_of(told, "params"), "clientCapabilities")
                self._files.were_offered(offered)
                self._terminals.were_offered(offered)
            case "session/cancel":
                self._cancelled = True
                self.handed.drop("its turn was interrupted")
            case str(method) if method == _HELD:
                params = object_of(told, "params")
                self.handed.hold(words_of(params, "key"), words_of(params, "prompt"))
            case None:
                self._was_answered(_key(told.get("id")), object_of(told, "result"))
            case _:
                return

    def _was_answered(self, key: str, result: dict[str, Any]) -> None:
        self._files.answered(key)
        self._terminals.answered(key, result)
        asked = self._open.pop(key, None)
        chosen = words_of(result, "outcome", "optionId")
        if asked is not None and chosen in map(asked.options.get, _KINDS["allow"]):
            permission = asked.permission
            self._files.grant(asked.call, permission)
            if key in self._by_person and permission.quoted is not None:
                permission = replace(permission, line=permission.quoted)
            self._terminals.grant(asked.call, permission)
        self._by_person.discard(key)

    def heard(self, line: bytes) -> Iterator[Sign]:
        """What it says."""
        told = json_lines.parsed(line)
        method, params = words_of(told, "method"), object_of(told, "params")
        if not method:
            yield from self._answered(told)
        elif "id" in told:
            yield self._wanted(told["id"], method, params)
        elif method == "session/update":
            for sign in self._updates.heard(object_of(params, "update")):
                if isinstance(sign, ToolEnded):
                    self._files.call_ended(sign.id)
                    self._terminals.call_ended(sign.id)
                yield sign
        elif method == _RETRYING:
            category = words_of(params, "category")
            why = f"{category} {words_of(params, 'detail')}".strip()
            self._retried = Outcome(_CAUSES.get(category, Ending.OVERLOADED), why)
            yield BacksOff(0.0, why, self._retried.ending)
        if self._updates.busy:
            self.handed.start()
        if self._began and (self._updates.busy or not self._speaker.keeps_late):
            yield Began(self._began)
            self._began = None

    def outcome(self, how: Exit, *, stopped: bool, complaint: str) -> Outcome:
        """How its last turn ended; without an end it was stopped, or has failed."""
        if self._broken is not None:
            return self._broken
        if self._outcome is not None and self.over:
            return self._outcome
        if stopped or self._cancelled:
            return _STOPPED
        return self._retried or self._speaker.silent(how, complaint)

    # ── what it answers ───────────────────────────────────────────────────────

    def _answered(self, told: dict[str, Any]) -> Iterator[Sign]:
        result, error = object_of(told, "result"), object_of(told, "error")
        match told.get("id"):
            case int(place) if place == _PROMPT + self._ended:
                yield from self._turned(result, error)
            case int(place) if place == _HELLO:
                yield self._breaks(self._failed(error)) if error else self._greeted(result)
            case int(place) if place == _OPEN and error:
                yield self._breaks(self._not_opened(error))
            case int(place) if place == _OPEN:
                yield self._opened(result)
            case _:
                return

    def _greeted(self, hello: dict[str, Any]) -> Sign:
        """It has told what it can do: ask for a session."""
        self._version = words_of(hello, "agentInfo", "version")
        spoken = int(number(hello, "protocolVersion"))
        if spoken != _VERSION:
            words = f"it speaks version {spoken} of the Agent Client Protocol, and we {_VERSION}"
            return self._breaks(Outcome(Ending.FAILED, words))
        place: dict[str, Any] = {"cwd": self._turn.cwd, "mcpServers": []}
        if not self._session:
            return Reply(_request(_OPEN, "session/new", place))
        method = _resumption(object_of(hello, "agentCapabilities"))
        if method is None:
            return self._breaks(Outcome(Ending.FORGOTTEN, "it cannot take up a session"))
        return Reply(_request(_OPEN, method, {"sessionId": self._session, **place}))

    def _opened(self, session: dict[str, Any]) -> Sign:
        self._session = words_of(session, "sessionId") or self._session
        self._updates.opened(retelling=bool(self._turn.resume) and self._speaker.retells_late)
        self._began = AgentSession(
            id=self._session, mode=Mode.ACP, model=_model(session), version=self._version
        )
        return Reply(self._prompt(self._turn.prompt))

    def _turned(self, result: dict[str, Any], error: dict[str, Any]) -> Iterator[Sign]:
        self._ended += 1
        self._retried = None
        self._open.clear()
        self._by_person.clear()
        self._files.turned()
        self._terminals.turned()
        yield Counted(self._updates.count(result, whole_session=self._speaker.whole_session))
        self._outcome = self._failed(error) if error else self._judged(result)
        self._updates.turned()
        if error:
            self.handed.lose_written(self._outcome.message)
        else:
            self.handed.start()
        yield TurnEnded(self._outcome)
        if self.handed.next is not None:
            yield Reply(self._prompt(self.handed.next[1]))

    def _judged(self, result: dict[str, Any]) -> Outcome:
        reason = words_of(result, "stopReason")
        if reason != "end_turn":
            return _STOPS.get(reason) or Outcome(Ending.FAILED, f"it stopped: {reason or 'why?'}")
        if not self._updates.busy and not self._updates.written:
            return Outcome(Ending.EMPTY, "it ended its turn without having done anything")
        if self._updates.uncounted:
            return Outcome(Ending.CUT, "its model's answer broke off")
        return Outcome(Ending.DONE)

    def _failed(self, error: dict[str, Any]) -> Outcome:
        """What an error says: a status of the model's service, the protocol's word, or words."""
        code, words = int(number(error, "code")), _words(error)
        if code == _NO_LOGIN:
            return Outcome(Ending.LOGIN, words, self._speaker.login_hint)
        if 400 <= code < 600:
            return by_status(code, words, login_hint=self._speaker.login_hint)
        data = object_of(error, "data")
        called = _CALLED.get(words_of(data, "errorKind") or words_of(data, "codexErrorInfo"))
        if called is not None:
            return Outcome(called, words)
        if _LIMIT.search(words):
            return Outcome(Ending.QUOTA, words)
        return by_words(words, login_hint=self._speaker.login_hint)

    def _not_opened(self, error: dict[str, Any]) -> Outcome:
        failed = self._failed(error)
        if self._turn.resume and failed.ending is Ending.FAILED:
            return Outcome(Ending.FORGOTTEN, failed.message)
        return failed

    def _breaks(self, outcome: Outcome) -> Sign:
        self._broken = outcome
        return TurnEnded(outcome)

    # ── what it asks and tells ────────────────────────────────────────────────

    def _wanted(self, request: Any, method: str, params: dict[str, Any]) -> Sign:
        """It waits for an answer: a person's, a file, or that there is none."""
        if self._files.serves(method):
            return self._wants_file(request, method, params)
        if self._terminals.serves(method):
            return self._wants_terminal(request, method, params)
        if method != "session/request_permission":
            refused = {"code": _NO_METHOD, "message": f"inspan does not serve {method}"}
            return Reply(_line({"id": request, "error": refused}))
        if self._cancelled:
            return Reply(_answer(request, None))
        call = object_of(params, "toolCall")
        permission = self._updates.asks(_key(request), call)
        if not self._is_ours(params):
            permission = replace(permission, quoted=None)
        # The first of a kind is the narrowest: for the session, and then for ever.
        options = {
            words_of(item, "kind"): words_of(item, "optionId")
            for item in reversed(items(params, "options"))
        }
        number = words_of(call, "toolCallId")
        self._open[_key(request)] = _Question(request, options, number, permission)
        return permission

    def _wants_file(self, request: Any, method: str, params: dict[str, Any]) -> Sign:
        asked = self._files.asked(_key(request), request, method, params)
        refused = self.served(asked.request, files.CANCELLED) if self._cancelled else None
        return asked if refused is None else Reply(refused)

    def _wants_terminal(self, request: Any, method: str, params: dict[str, Any]) -> Sign:
        key = _key(request)
        asked = self._terminals.asked(key, request, method, params)
        if isinstance(asked, CommandAsked) and not self._is_ours(params):
            asked = replace(asked, granted=False)
        if isinstance(asked, CommandAsked) and self._cancelled:
            asked = files.CANCELLED
        if not isinstance(asked, NotServed):
            return asked
        return Reply(self.served(key, asked) or b"")

    def _is_ours(self, params: dict[str, Any]) -> bool:
        """That is about the session that was opened here, and no other."""
        return words_of(params, "sessionId") == self._session

    def _prompt(self, prompt: str) -> bytes:
        content = [{"type": "text", "text": prompt}]
        params = {"sessionId": self._session, "prompt": content}
        return _request(_PROMPT + self._ended, "session/prompt", params)


def _line(message: dict[str, Any]) -> bytes:
    return json_lines.line({"jsonrpc": "2.0", **message})


def _request(place: int, method: str, params: dict[str, Any]) -> bytes:
    return _line({"id": place, "method": method, "params": params})


def _answer(request: Any, option: str | None) -> bytes:
    """The answer to a permission; without an option, that the turn is cancelled."""
    outcome = (
        {"outcome": "cancelled"} if option is None else {"outcome": "selected", "optionId": option}
    )
    return _line({"id": request, "result": {"outcome": outcome}})


def _key(request: Any) -> str:
    """An id as text: 1 and "1" are two."""
    return f'"{request}"' if isinstance(request, str) else str(request)


def _resumption(capabilities: dict[str, Any]) -> str | None:
    """How it takes up a session: without telling all of it again, where it can."""
    if isinstance(object_of(capabilities, "sessionCapabilities").get("resume"), dict):
        return "session/resume"
    return "session/load" if capabilities.get("loadSession") is True else None


def _model(session: dict[str, Any]) -> str:
    told = words_of(session, "models", "currentModelId")
    options = items(session, "configOptions")
    chosen = (words_of(item, "currentValue") for item in options if item.get("id") == "model")
    return told or next(chosen, "")


def _words(error: dict[str, Any]) -> str:
    """What an error says; some wrap the answer of the model's service, or say the cause beside."""
    message = words_of(error, "message")
    wrapped = words_of(json_lines.parsed(message.encode(errors="replace")), "error", "message")
    details = words_of(error, "data", "details") or words_of(error, "data", "message")
    return wrapped or (f"{message}: {details}" if details else message)
