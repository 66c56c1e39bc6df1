"""Claude Code: one shot with a stream of JSON lines, and two-way over standard input and output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.agents.agent import KEY, Agent, Json, Mode, Talk, Wish


def _env(wish: Wish) -> Mapping[str, str]:
    return {
        "CLAUDE_CONFIG_DIR": str(wish.place.home / ".claude"),
        "ANTHROPIC_BASE_URL": wish.base,
        "ANTHROPIC_API_KEY": KEY,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "2",  # ten take minutes
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "DISABLE_TELEMETRY": "1",
        "IS_SANDBOX": "1",  # root may not skip permissions otherwise
    }


def _files(wish: Wish) -> Mapping[str, str]:  # noqa: ARG001  # it needs none without a screen
    return {}


def _stream(wish: Wish) -> list[str]:
    argv = ["-p", "--output-format", "stream-json", "--verbose"]
    if not wish.ask:
        argv.append("--dangerously-skip-permissions")
    if wish.resume is not None:
        argv += ["--resume", wish.resume]
    return argv


def _stdio(wish: Wish) -> list[str]:
    argv = ["-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"]
    argv += ["--permission-prompt-tool", "stdio"]
    if wish.resume is not None:
        argv += ["--resume", wish.resume]
    return argv


def _session(lines: Iterable[Json]) -> str | None:
    return next((line["session_id"] for line in lines if line.get("subtype") == "init"), None)


class _Stdio:
    """Control requests and responses beside the messages of the stream."""

    def __init__(self, talk: Talk) -> None:
        self.over = False
        self.session: str | None = None
        self.asking = False
        self._prompts = list(talk.prompts)
        self._allow = talk.allow

    def open(self) -> Iterable[Json]:
        yield self._request("initialize", {"subtype": "initialize", "hooks": None})
        yield self._next()

    def hear(self, message: Json) -> Iterable[Json]:
        self.session = message.get("session_id", self.session)
        kind = message.get("type")
        if kind == "control_request" and message["request"]["subtype"] == "can_use_tool":
            self.asking = self._allow is None
            if self._allow is not None:
                yield self._answer(message)
        elif kind == "result" and self._prompts:
            yield self._next()
        elif kind == "result":
            self.over = True

    def interrupt(self) -> Iterable[Json]:
        yield self._request("interrupt", {"subtype": "interrupt"})

    def _next(self) -> Json:
        message = {"role": "user", "content": self._prompts.pop(0)}
        return {"type": "user", "message": message, "parent_tool_use_id": None}

    def _request(self, name: str, request: Json) -> Json:
        return {"type": "control_request", "request_id": f"ours-{name}", "request": request}

    def _answer(self, message: Json) -> Json:
        if self._allow:
            verdict = {"behavior": "allow", "updatedInput": message["request"]["input"]}
        else:
            verdict = {"behavior": "deny", "message": "The person said no."}
        request = message["request_id"]
        response = {"subtype": "success", "request_id": request, "response": verdict}
        return {"type": "control_response", "response": response}


AGENT = Agent(
    name="claude",
    source="npm",
    packages=("@anthropic-ai/claude-code@2.1.197",),
    version="2.1.197",
    program="node_modules/.bin/claude",
    env=_env,
    files=_files,
    modes=(
        Mode("stream", _stream, "stdin", session=_session),
        Mode("stdio", _stdio, "dialogue", dialogue=_Stdio),
    ),
    identifiers=(r"snapshot-bash-(\d+-\w+)\.sh", r"claude-([0-9a-f]{4})-cwd"),
)
