"""The model endpoint as a client sees it: each API's shapes, its script, its log."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.agents.endpoint import tools
from tests.agents.endpoint.scenario import (
    ANSWER,
    WRITTEN,
    Ask,
    Execute,
    Finish,
    Say,
    Slowly,
    Write,
)
from tests.agents.endpoint.serve import Endpoint, serving
from tests.agents.endpoint.wire import Call, Json, Tool

PATHS = {
    "anthropic": "/v1/messages",
    "responses": "/v1/responses",
    "chat": "/v1/chat/completions",
    "gemini": "/v1beta/models/scripted:generateContent",
}
STREAMS = PATHS | {"gemini": "/v1beta/models/scripted:streamGenerateContent?alt=sse"}
TEXTS: dict[str, Callable[[Json], str]] = {
    "anthropic": lambda answer: answer["content"][0]["text"],
    "responses": lambda answer: answer["output"][0]["content"][0]["text"],
    "chat": lambda answer: answer["choices"][0]["message"]["content"],
    "gemini": lambda answer: answer["candidates"][0]["content"]["parts"][0]["text"],
}
SCHEMA = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with serving() as endpoint:
        yield endpoint


def offering(api: str, *, stream: bool = False) -> Json:
    """A request that offers one tool in that API's words."""
    body: Json = {"model": "scripted", "stream": stream}
    if api == "anthropic":
        return body | {"tools": [{"name": "Bash", "input_schema": SCHEMA}]}
    if api == "responses":
        return body | {"tools": [{"type": "function", "name": "shell", "parameters": SCHEMA}]}
    if api == "chat":
        function = {"name": "bash", "parameters": SCHEMA}
        return body | {"tools": [{"type": "function", "function": function}]}
    function = {"name": "run_shell_command", "parametersJsonSchema": SCHEMA}
    return {"tools": [{"functionDeclarations": [function]}]}


def connect(endpoint: Endpoint) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=30)


@dataclass(frozen=True)
class Answer:
    """``whole``: the connection was not lost before its end."""

    status: int
    headers: Mapping[str, str]
    data: bytes
    whole: bool

    @property
    def json(self) -> Any:
        return json.loads(self.data)


def post(endpoint: Endpoint, place: str, path: str, body: Json) -> Answer:
    connection = connect(endpoint)
    headers = {"authorization": "Bearer secret", "x-api-key": "secret"}
    connection.request("POST", place + path, json.dumps(body), headers)
    response = connection.getresponse()
    try:
        data, whole = response.read(), True
    except http.client.IncompleteRead as cut:
        data, whole = cut.partial, False
    response.close()
    connection.close()
    return Answer(response.status, {**response.headers}, data, whole)


def events(data: bytes) -> list[Any]:
    lines = [line.removeprefix(b"data: ") for line in data.splitlines() if line[:5] == b"data:"]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


def spoken(api: str, stream: list[Any]) -> str:
    if api == "anthropic":
        return "".join(each.get("delta", {}).get("text", "") for each in stream)
    if api == "responses":
        deltas = (each for each in stream if each["type"] == "response.output_text.delta")
        return "".join(each["delta"] for each in deltas)
    if api == "chat":
        choices = (choice for each in stream for choice in each["choices"])
        return "".join(choice["delta"].get("content") or "" for choice in choices)
    parts = (each["candidates"][0]["content"]["parts"][0] for each in stream)
    return "".join(part["text"] for part in parts)


def called(api: str, stream: list[Any]) -> tuple[str, Json]:
    if api == "anthropic":
        block = next(each["content_block"] for each in stream if "content_block" in each)
        text = "".join(each.get("delta", {}).get("partial_json", "") for each in stream)
        return block["name"], json.loads(text)
    if api == "responses":
        items = [each["item"] for each in stream if each["type"] == "response.output_item.done"]
        return items[0]["name"], json.loads(items[0]["arguments"])
    if api == "chat":
        function = stream[0]["choices"][0]["delta"]["tool_calls"][0]["function"]
        return function["name"], json.loads(function["arguments"])
    call = stream[0]["candidates"][0]["content"]["parts"][0]["functionCall"]
    return call["name"], call["args"]


@pytest.mark.parametrize("api", PATHS)
def test_each_api_answers_at_once(endpoint: Endpoint, api: str) -> None:
    response = post(endpoint, f"/s/answer/i/plain-{api}", PATHS[api], offering(api))
    assert TEXTS[api](response.json) == ANSWER


@pytest.mark.parametrize(
    ("api", "scenario"), [*((api, "answer") for api in PATHS), ("chat", "slow")]
)
def test_each_api_streams_in_pieces(endpoint: Endpoint, api: str, scenario: str) -> None:
    place = f"/s/{scenario}/i/stream-{api}-{scenario}"
    response = post(endpoint, place, STREAMS[api], offering(api, stream=True))
    assert response.headers["content-type"] == "text/event-stream"
    stream = events(response.data)
    assert spoken(api, stream) == ANSWER
    assert len(stream) >= len(ANSWER.split())


def test_a_slow_answer_in_one_piece_takes_as_long_as_its_stream(endpoint: Endpoint) -> None:
    endpoint.script("whole", Slowly("one two three four", 0.1))
    began = time.monotonic()
    assert TEXTS["chat"](post(endpoint, "/s/answer/i/whole", PATHS["chat"], offering("chat")).json)
    assert time.monotonic() >= began + 0.4


def test_an_answer_may_come_after_a_silence(endpoint: Endpoint) -> None:
    endpoint.script("silent", Say("one two", after=0.4))
    began = time.monotonic()
    assert TEXTS["chat"](post(endpoint, "/s/answer/i/silent", PATHS["chat"], offering("chat")).json)
    assert time.monotonic() >= began + 0.4


def test_words_come_late_and_with_the_call_that_ends_the_work(endpoint: Endpoint) -> None:
    endpoint.script("ending", Finish("one two three four", "echo over", 0.1))
    began = time.monotonic()
    answer = post(endpoint, "/s/answer/i/ending", PATHS["chat"], offering("chat")).json
    assert time.monotonic() >= began + 0.4
    message = answer["choices"][0]["message"]
    assert message["content"] == "one two three four"
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"command": "echo over"}


@pytest.mark.parametrize("api", PATHS)
def test_each_api_calls_the_tool_that_was_offered(endpoint: Endpoint, api: str) -> None:
    place, body = f"/s/permission/i/call-{api}", offering(api, stream=True)
    name, arguments = called(api, events(post(endpoint, place, STREAMS[api], body).data))
    assert name in {"Bash", "shell", "bash", "run_shell_command"}
    assert arguments == {"command": "touch permitted.txt"}
    second = events(post(endpoint, place, STREAMS[api], body).data)
    assert spoken(api, second) == "That was all."


@pytest.mark.parametrize("api", PATHS)
@pytest.mark.parametrize(
    ("scenario", "statuses"),
    [
        ("unauthorized", {401}),
        ("rate_limited", {429}),
        ("quota", {429}),
        ("overloaded", {500, 503, 529}),
    ],
)
def test_each_api_refuses_in_its_own_words(
    endpoint: Endpoint, api: str, scenario: str, statuses: set[int]
) -> None:
    place = f"/s/{scenario}/i/refuse-{api}-{scenario}"
    for _ in range(2):
        response = post(endpoint, place, STREAMS[api], offering(api, stream=True))
        assert response.status in statuses
        assert response.json["error"]["message"]
    retry = {"retry-after": "3600"} if scenario == "rate_limited" else {}
    assert response.headers.get("retry-after") == retry.get("retry-after")


@pytest.mark.parametrize("key", [None, "", "Bearer ", "Bearer SCRIPTED_KEY"])
def test_a_request_without_a_key_is_refused_and_takes_no_turn(
    endpoint: Endpoint, key: str | None
) -> None:
    connection = connect(endpoint)
    headers = {} if key is None else {"authorization": key}
    instance = f"keyless-{len(key or '')}"
    place = f"/s/answer/i/{instance}"
    connection.request("POST", place + PATHS["chat"], json.dumps(offering("chat")), headers)
    response = connection.getresponse()
    assert response.status == 401
    response.read()
    connection.close()
    assert not endpoint.steps(instance)


def test_it_relents(endpoint: Endpoint) -> None:
    body = offering("chat")
    place = "/s/rate_limited_then_ok/i/relents"
    statuses = [post(endpoint, place, PATHS["chat"], body).status for _ in range(4)]
    assert statuses == [429, 429, 200, 200]


@pytest.mark.parametrize("api", PATHS)
def test_a_cut_stream_loses_the_connection(endpoint: Endpoint, api: str) -> None:
    body = offering(api, stream=True)
    response = post(endpoint, f"/s/cut/i/cut-{api}", STREAMS[api], body)
    assert not response.whole
    assert spoken(api, events(response.data)) in ANSWER


@pytest.mark.parametrize("api", PATHS)
def test_an_unfinished_stream_ends_tidily_but_too_early(endpoint: Endpoint, api: str) -> None:
    whole = post(endpoint, f"/s/answer/i/whole-{api}", STREAMS[api], offering(api, stream=True))
    body = offering(api, stream=True)
    response = post(endpoint, f"/s/unfinished/i/early-{api}", STREAMS[api], body)
    assert response.whole
    early = events(response.data)
    assert ANSWER.startswith(spoken(api, early))
    assert 0 < len(early) < len(events(whole.data))


def test_a_side_request_leaves_the_script_where_it_is(endpoint: Endpoint) -> None:
    place = "/s/two_turns/i/side"
    aside = post(endpoint, place, PATHS["chat"], {"model": "small", "messages": []})
    assert "title" in TEXTS["chat"](aside.json)
    post(endpoint, place, "/v1/messages/count_tokens", {})
    first = post(endpoint, place, PATHS["chat"], offering("chat"))
    assert TEXTS["chat"](first.json) == "The first answer."
    assert [request.side for request in endpoint.requests("side")] == [True, True, False]
    assert [request.turn for request in endpoint.steps("side")] == ["say"]


def test_a_request_for_a_name_of_the_session_is_a_side_request(endpoint: Endpoint) -> None:
    function = {"name": "session_title", "parameters": {"type": "object", "properties": {}}}
    naming = offering("chat") | {"tools": [{"type": "function", "function": function}]}
    post(endpoint, "/s/two_turns/i/naming", PATHS["chat"], naming)
    first = post(endpoint, "/s/two_turns/i/naming", PATHS["chat"], offering("chat"))
    assert TEXTS["chat"](first.json) == "The first answer."
    assert [request.side for request in endpoint.requests("naming")] == [True, False]


def test_an_agent_without_tools_is_not_taken_for_a_side_request(endpoint: Endpoint) -> None:
    body = {"model": "scripted", "messages": []}
    response = post(endpoint, "/s/answer/i/bare/bare", PATHS["chat"], body)
    assert TEXTS["chat"](response.json) == ANSWER


def test_it_counts_tokens_and_lists_models(endpoint: Endpoint) -> None:
    counted = post(endpoint, "/s/answer/i/counts", "/v1/messages/count_tokens", {})
    assert counted.json["input_tokens"] > 0
    connection = connect(endpoint)
    connection.request("GET", "/s/answer/i/counts/v1/models")
    response = connection.getresponse()
    assert json.loads(response.read())["data"][0]["id"] == "scripted"
    connection.close()


def test_what_is_not_known_is_not_found_and_noted(endpoint: Endpoint) -> None:
    assert post(endpoint, "/s/answer/i/odd", "/v1/engines", {"a": 1}).status == 404
    assert post(endpoint, "/elsewhere", "", {}).status == 404
    (odd,) = endpoint.requests("odd")
    assert (odd.method, odd.path, odd.body) == ("POST", "/v1/engines", {"a": 1})


def test_the_log_holds_no_secret(endpoint: Endpoint) -> None:
    post(endpoint, "/s/answer/i/secrets", PATHS["chat"], offering("chat"))
    assert "secret" not in repr(endpoint.requests("secrets"))


def test_a_client_that_gives_up_is_noted(endpoint: Endpoint) -> None:
    connection = connect(endpoint)
    place = "/s/hang/i/gives-up"
    headers = {"authorization": "Bearer secret"}
    connection.request("POST", place + PATHS["chat"], json.dumps(offering("chat")), headers)
    until = time.monotonic() + 30
    while not endpoint.steps("gives-up"):
        assert time.monotonic() < until
    (hung,) = endpoint.requests("gives-up")
    assert (hung.status, hung.client_closed) == (None, None)
    connection.close()
    (hung,) = endpoint.settled("gives-up")
    assert hung.client_closed is not None


def test_a_closed_endpoint_keeps_nobody_waiting() -> None:
    with serving() as endpoint:
        connection = connect(endpoint)
        place = "/s/hang/i/closing"
        headers = {"authorization": "Bearer secret"}
        connection.request("POST", place + PATHS["chat"], json.dumps(offering("chat")), headers)
        until = time.monotonic() + 30
        while not endpoint.steps("closing"):
            assert time.monotonic() < until
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        connection.getresponse()
    connection.close()


def test_a_model_without_a_fitting_tool_says_so(endpoint: Endpoint) -> None:
    body = {"tools": [{"name": "Dance", "input_schema": SCHEMA}]}
    response = post(endpoint, "/s/write_file/i/unfit", PATHS["anthropic"], body)
    assert "Dance" in TEXTS["anthropic"](response.json)
    assert [request.turn for request in endpoint.steps("unfit")] == ["unable"]


def test_a_model_without_tools_spells_out_what_is_to_be_written(endpoint: Endpoint) -> None:
    response = post(endpoint, "/s/write_file/i/spelled/bare", PATHS["chat"], {})
    assert TEXTS["chat"](response.json) == "answer.txt\n```\nforty-two\n```\n"
    assert "touch permitted.txt" in tools.spelled(Execute("touch permitted.txt"))


def test_gemini_says_when_to_come_again_and_which_quota_it_was(endpoint: Endpoint) -> None:
    details = {
        scenario: post(
            endpoint, f"/s/{scenario}/i/{scenario}", PATHS["gemini"], offering("gemini")
        ).json["error"]["details"][0]
        for scenario in ("rate_limited", "quota")
    }
    assert details["rate_limited"]["retryDelay"] == "3600s"
    assert "PerDay" in details["quota"]["violations"][0]["quotaId"]


def schema(*names: str, required: tuple[str, ...] = (), kind: str = "string") -> Json:
    return {"properties": {name: {"type": kind} for name in names}, "required": required}


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        (Tool("Write", schema("file_path", "content")), {"file_path": "answer.txt"}),
        (Tool("write", schema("filePath", "content")), {"filePath": "answer.txt"}),
        (Tool("write_file", schema("path", "content")), {"path": "answer.txt"}),
        (Tool("create", schema("path", "file_text")), {"path": "answer.txt"}),
    ],
)
def test_a_file_is_written_by_the_tool_for_it(tool: Tool, arguments: Json) -> None:
    offered = [Tool("Bash", SCHEMA), tool]
    call = tools.call(WRITTEN, offered)
    content = "file_text" if tool.name == "create" else "content"
    assert call == Call(tool.name, {**arguments, content: "forty-two\n"})


def test_a_file_is_written_by_a_patch_or_by_a_shell_where_there_is_no_such_tool() -> None:
    patch = tools.call(WRITTEN, [Tool("shell", SCHEMA), Tool("apply_patch", None)])
    assert patch.arguments == (
        "*** Begin Patch\n*** Add File: answer.txt\n+forty-two\n*** End Patch\n"
    )
    shell = tools.call(WRITTEN, [Tool("shell", SCHEMA)])
    assert shell.arguments == {"command": "printf %s 'forty-two\n' > answer.txt"}


def test_a_shell_gets_what_its_schema_wants() -> None:
    words = tools.call(Execute("true"), [Tool("shell", schema("command", kind="array"))])
    assert words.arguments == {"command": ["bash", "-lc", "true"]}
    described = schema("cmd", "description", required=("cmd", "description"))
    call = tools.call(Execute("true"), [Tool("exec_command", described)])
    assert call.arguments == {"cmd": "true", "description": "as asked"}
    risky = schema("command", "risk", required=("command", "risk"))
    risky["properties"]["risk"]["enum"] = ["LOW", "HIGH"]
    call = tools.call(Execute("true"), [Tool("terminal", risky)])
    assert call.arguments == {"command": "true", "risk": "LOW"}


def test_a_command_asks_to_leave_the_sandbox_where_the_tool_has_words_for_it() -> None:
    offered = [Tool("exec_command", schema("cmd", "sandbox_permissions", "justification"))]
    outside = tools.call(Execute("true", outside=True), offered).arguments
    assert isinstance(outside, dict)
    assert outside["sandbox_permissions"] == "require_escalated"
    assert tools.call(Execute("true"), offered).arguments == {"cmd": "true"}


def test_a_person_is_asked_by_the_tool_for_it() -> None:
    asked = Ask("Which?", ("This", "That"))
    call = tools.call(asked, [Tool("shell", SCHEMA), Tool("AskUserQuestion", {})])
    assert call.name == "AskUserQuestion"
    assert not isinstance(call.arguments, str)
    question = call.arguments["questions"][0]
    assert question["question"] == "Which?"
    assert [option["label"] for option in question["options"]] == ["This", "That"]
    assert tools.spelled(asked) == "Which? This or That"
    with pytest.raises(LookupError, match="no tool asks a person"):
        tools.call(asked, [Tool("shell", SCHEMA)])


@pytest.mark.parametrize(
    ("kind", "options"), [("array", ["This", "That"]), ("string", "This\nThat")]
)
def test_a_tool_for_one_question_is_given_it_with_its_options(kind: str, options: object) -> None:
    tool = Tool("ask_question", {"properties": {"question": {}, "options": {"type": kind}}})
    call = tools.call(Ask("Which?", ("This", "That")), [tool])
    assert call.arguments == {"question": "Which?", "options": options}


def test_a_tool_that_asks_in_words_only_is_given_the_options_in_its_question() -> None:
    tool = Tool("AskUser", {"properties": {"question": {}}})
    arguments = tools.call(Ask("Which?", ("This", "That")), [tool]).arguments
    assert arguments == {"question": "Which? This or That"}


def test_a_tool_whose_options_have_a_label_is_given_such() -> None:
    options = {"type": "array", "items": {"type": "object"}}
    tool = Tool("ask_user", {"properties": {"question": {}, "options": options}})
    arguments = tools.call(Ask("Which?", ("This", "That")), [tool]).arguments
    assert isinstance(arguments, dict)
    assert [each["label"] for each in arguments["options"]] == ["This", "That"]


def test_a_tool_for_code_in_any_language_is_told_that_it_is_a_shells() -> None:
    languages = {"type": "string", "enum": ["python", "shell"]}
    tool = Tool("execute", {"properties": {"language": languages, "code": {}}})
    call = tools.call(Execute("true; false"), [tool])
    assert call.arguments == {"code": "true; false", "language": "shell"}


def test_a_tool_that_takes_choices_is_given_them() -> None:
    items = {"properties": {"choices": {"type": "array"}}}
    tool = Tool("ask_user", {"properties": {"questions": {"type": "array", "items": items}}})
    arguments = tools.call(Ask("Which?", ("This", "That")), [tool]).arguments
    assert not isinstance(arguments, str)
    choices = [{"value": "This"}, {"value": "That"}]
    asked = {"question": "Which?", "type": "multiple_choice", "choices": choices}
    assert arguments == {"questions": [asked]}


def test_a_tool_for_several_questions_whose_options_are_words_is_given_words() -> None:
    options = {"type": "array", "items": {"type": "string"}}
    items = {"properties": {"question": {}, "options": options}}
    known = {"properties": {"questions": {"type": "array", "items": items}}}
    arguments = tools.call(
        Ask("Which?", ("This", "That")), [Tool("ask_questions", known)]
    ).arguments
    assert not isinstance(arguments, str)
    assert arguments["questions"][0]["options"] == ["This", "That"]


def test_a_tool_whose_question_is_a_prompt_is_given_one_of_that_shape() -> None:
    questions = {"type": "array", "items": {"$ref": "#/$defs/Question"}}
    one: dict[str, object] = {"properties": {"id": {}, "prompt": {}, "options": {}}}
    known = {"properties": {"questions": questions}, "$defs": {"Question": one}}
    arguments = tools.call(Ask("Which?", ("This", "That")), [Tool("ask_user", known)]).arguments
    asked = {"id": "colour", "prompt": "Which?", "options": ["This", "That"]}
    assert arguments == {"questions": [asked]}


def test_a_tool_whose_choices_are_words_is_given_words() -> None:
    choices = {"type": "array", "items": {"type": "string"}}
    items = {"properties": {"question": {}, "choices": choices}}
    tool = Tool("Ask", {"properties": {"questions": {"type": "array", "items": items}}})
    arguments = tools.call(Ask("Which?", ("This", "That")), [tool]).arguments
    assert arguments == {"questions": [{"question": "Which?", "choices": ["This", "That"]}]}


def test_a_tool_that_takes_a_row_of_edits_is_told_to_make_the_file() -> None:
    tool = Tool("Edit", {"properties": {"path": {}, "edits": {"type": "array"}}})
    arguments = tools.call(Write("a.txt", "new\n"), [tool]).arguments
    assert arguments == {"path": "a.txt", "edits": [{"op": "create", "content": "new\n"}]}


def test_a_tool_for_one_question_is_given_it_with_its_choices() -> None:
    tool = Tool("clarify", {"properties": {"question": {}, "choices": {"type": "array"}}})
    call = tools.call(Ask("Which?", ("This", "That")), [tool])
    assert call.arguments == {"question": "Which?", "choices": ["This", "That"]}


def test_a_tool_for_a_form_is_given_one_with_one_field() -> None:
    tool = Tool("ask_user", schema("message", "requestedSchema"))
    arguments = tools.call(Ask("Which?", ("This", "That")), [tool]).arguments
    assert isinstance(arguments, dict)
    assert arguments["message"] == "Which?"
    (field,) = arguments["requestedSchema"]["properties"].values()
    assert field == {"type": "string", "enum": ["This", "That"]}


def test_a_tool_for_several_commands_is_given_a_list_of_one() -> None:
    tool = Tool("run_commands", {"properties": {"commands": {"type": "array"}}})
    assert tools.call(Execute("true; false"), [tool]).arguments == {"commands": ["true; false"]}
