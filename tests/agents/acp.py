"""Our side of the Agent Client Protocol: JSON-RPC 2.0, one message a line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.agents.agent import Json, Talk


class Acp:
    """One conversation, new or loaded. It offers no terminals, and files where told to."""

    def __init__(self, talk: Talk) -> None:
        self.over = False
        self.session: str | None = talk.resume
        self.asking = False
        self._work = talk.work
        self._prompts = list(talk.prompts)
        self._allow = talk.allow
        self._files = talk.files
        #: What the agent has asked and was not answered.
        self._open: list[Json] = []
        #: What each of our requests that is not answered yet was.
        self._asked: dict[int, str] = {}
        self._number = 0

    def open(self) -> Iterable[Json]:
        files = {"readTextFile": False, "writeTextFile": self._files}
        params = {"protocolVersion": 1, "clientCapabilities": {"fs": files, "terminal": False}}
        yield self._request("initialize", params)

    def hear(self, message: Json) -> Iterable[Json]:
        if "method" not in message:
            yield from self._answered(self._asked.pop(message["id"]), message)
        elif message["method"] == "fs/write_text_file":
            Path(message["params"]["path"]).write_text(message["params"]["content"])
            yield {"jsonrpc": "2.0", "id": message["id"], "result": {}}
        elif message["method"] == "session/request_permission":
            self.asking = self._allow is None
            if self._allow is None:
                self._open.append(message)
            else:
                yield self._permit(message)

    def interrupt(self) -> Iterable[Json]:
        params = {"sessionId": self.session}
        yield {"jsonrpc": "2.0", "method": "session/cancel", "params": params}
        # An agent may wait for these for ever otherwise.
        for message in self._open:
            cancelled = {"outcome": {"outcome": "cancelled"}}
            yield {"jsonrpc": "2.0", "id": message["id"], "result": cancelled}

    def _answered(self, method: str, message: Json) -> Iterable[Json]:
        if method == "initialize" and "error" not in message:
            place = {"cwd": self._work, "mcpServers": []}
            if self.session is None:
                yield self._request("session/new", place)
            else:
                yield self._request("session/load", {"sessionId": self.session, **place})
            return
        if method == "session/new" and "error" not in message:
            self.session = message["result"]["sessionId"]
        # A refused prompt ends a turn; a conversation that does not begin ends all.
        if self._prompts and (method == "session/prompt" or "error" not in message):
            text = {"type": "text", "text": self._prompts.pop(0)}
            yield self._request("session/prompt", {"sessionId": self.session, "prompt": [text]})
        else:
            self.over = True

    def _permit(self, message: Json) -> Json:
        options = {option["kind"]: option["optionId"] for option in message["params"]["options"]}
        kinds = ("allow_once", "allow_always") if self._allow else ("reject_once",)
        chosen = next((options[kind] for kind in kinds if kind in options), None)
        outcome = (
            {"outcome": "selected", "optionId": chosen} if chosen else {"outcome": "cancelled"}
        )
        return {"jsonrpc": "2.0", "id": message["id"], "result": {"outcome": outcome}}

    def _request(self, method: str, params: Json) -> Json:
        self._number += 1
        self._asked[self._number] = method
        return {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
