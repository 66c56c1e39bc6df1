"""Codex: `exec` with a stream of JSON lines, and `app-server`, which is two-way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.agents.agent import KEY, Agent, Json, Mode, Talk, Wish

_CONFIG = """\
model = "scripted"
model_provider = "scripted"
approval_policy = "{approval}"
sandbox_mode = "{sandbox}"
check_for_update_on_startup = false

[model_providers.scripted]
name = "scripted"
base_url = "{base}/v1"
env_key = "SCRIPTED_KEY"
wire_api = "responses"
request_max_retries = 2
stream_max_retries = 2

[features]
daemon_auto_start = false

[analytics]
enabled = false
"""


def _env(wish: Wish) -> Mapping[str, str]:
    return {"CODEX_HOME": str(wish.place.home / ".codex"), "SCRIPTED_KEY": KEY}


def _files(wish: Wish) -> Mapping[str, str]:
    config = _CONFIG.format(
        approval="on-request" if wish.ask else "never",
        sandbox="read-only" if wish.ask else "danger-full-access",
        base=wish.base,
    )
    return {".codex/config.toml": config}


def _exec(wish: Wish) -> list[str]:
    options = ["--json", "--skip-git-repo-check"]
    if wish.resume is not None:
        return ["exec", "resume", *options, wish.resume, "-"]
    return ["exec", *options, "-"]


def _app_server(wish: Wish) -> list[str]:  # noqa: ARG001  # all is said over the protocol
    return ["app-server"]


def _session(lines: Iterable[Json]) -> str | None:
    return next((line["thread_id"] for line in lines if line["type"] == "thread.started"), None)


class _AppServer:
    """Requests, responses and notifications with the names of JSON-RPC, but not its version."""

    def __init__(self, talk: Talk) -> None:
        self.over = False
        self.session: str | None = talk.resume
        self.asking = False
        self._work = talk.work
        self._prompts = list(talk.prompts)
        self._allow = talk.allow
        self._turn: str | None = None
        #: What each of our requests that is not answered yet was.
        self._asked: dict[int, str] = {}
        self._number = 0

    def open(self) -> Iterable[Json]:
        client = {"name": "scripted", "title": "Scripted", "version": "1"}
        yield self._request("initialize", {"clientInfo": client})

    def hear(self, message: Json) -> Iterable[Json]:
        method = message.get("method")
        if method is None:
            yield from self._answered(self._asked.pop(message["id"]), message)
        elif "id" in message and method.endswith("/requestApproval"):
            self.asking = self._allow is None
            if self._allow is not None:
                decision = "accept" if self._allow else "decline"
                yield {"id": message["id"], "result": {"decision": decision}}
        elif method == "turn/started":
            self._turn = message["params"]["turn"]["id"]
        elif method == "turn/completed":
            yield from self._next()

    def interrupt(self) -> Iterable[Json]:
        yield self._request("turn/interrupt", {"threadId": self.session, "turnId": self._turn})

    def _answered(self, method: str, message: Json) -> Iterable[Json]:
        if "error" in message:
            self.over = True
        elif method == "initialize":
            yield {"method": "initialized"}
            if self.session is None:
                yield self._request("thread/start", {"cwd": self._work})
            else:
                yield self._request("thread/resume", {"threadId": self.session})
        elif method in {"thread/start", "thread/resume"}:
            self.session = message["result"]["thread"]["id"]
            yield from self._next()

    def _next(self) -> Iterable[Json]:
        if not self._prompts:
            self.over = True
            return
        text = {"type": "text", "text": self._prompts.pop(0)}
        yield self._request("turn/start", {"threadId": self.session, "input": [text]})

    def _request(self, method: str, params: Json) -> Json:
        self._number += 1
        self._asked[self._number] = method
        return {"id": self._number, "method": method, "params": params}


AGENT = Agent(
    name="codex",
    source="npm",
    packages=("@openai/codex@0.169.0",),
    version="0.169.0",
    program="node_modules/.bin/codex",
    env=_env,
    files=_files,
    modes=(
        Mode("exec", _exec, "stdin", session=_session),
        Mode("app-server", _app_server, "dialogue", dialogue=_AppServer),
    ),
    identifiers=(
        r'"serverName":"(\w+)"',
        r"sessions/(\d{4}/\d\d/\d\d)/",
    ),
)
