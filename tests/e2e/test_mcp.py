"""`inspan mcp` as an agent's client has it: a real process, a real daemon, lines."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from inspan.settings import locate
from tests.real.console import Console
from tests.real.daemon import until
from tests.real.mcpclient import PATIENCE, McpClient

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console() as console:
        yield console


@pytest.fixture
def client(console: Console) -> Iterator[McpClient]:
    with McpClient(console.env, console.home) as client:
        yield client


def test_a_task_is_handed_in_waited_for_and_shown(client: McpClient) -> None:
    first = client.call("submit", command=["sh", "-c", "echo one; exit 3"], name="first")
    assert (first["name"], first["settled"]) == ("first", False)
    second = client.call("submit", command=["true"], after=[first["id"]])
    waited = client.call("wait", tasks=[first["id"]], timeout=PATIENCE)
    assert waited["done"] is True
    assert waited["tasks"][0]["state"] == "failed"
    assert waited["tasks"][0]["exit"] == 3
    shown = client.call("show", task="first")
    assert (shown["output"], shown["reason"]["code"]) == ("one", "exit")
    assert client.call("show", task=first["id"], output=2)["output"] == "e"
    ids = [task["id"] for task in client.call("list", limit=2)["tasks"]]
    assert ids == [second["id"], first["id"]]
    # What it waited for has failed.
    assert client.call("show", task=second["id"])["state"] == "cancelled"
    third = client.call("submit", command=["sleep", "60"])["id"]
    assert client.call("cancel", task=third, reason="no use")["state"] == "cancelled"


def test_a_task_without_a_recording_is_shown(console: Console, client: McpClient) -> None:
    task = client.call("submit", command=["echo", "one"])["id"]
    client.call("wait", tasks=[task], timeout=PATIENCE)
    shutil.rmtree(locate(console.env).recordings / f"{task}-1")
    shown = client.call("show", task=task)
    assert (shown["state"], shown["output"]) == ("completed", "")


def test_the_tools_are_described_as_they_are(client: McpClient) -> None:
    tools = {tool["name"]: tool for tool in client.ask("tools/list")["result"]["tools"]}
    assert list(tools) == ["submit", "wait", "list", "show", "send", "answer", "cancel", "plan"]
    for tool in tools.values():
        jsonschema.Draft202012Validator.check_schema(tool["inputSchema"])
    looking = {name for name, tool in tools.items() if tool["annotations"]["readOnlyHint"]}
    assert looking == {"wait", "list", "show"}


def test_what_a_task_asks_is_answered_and_it_is_told_more(client: McpClient) -> None:
    script = "steps:\n  - ask: Which one?\n  - say: thanks\n"
    task = client.call("submit", agent="scripted", prompt=script)["id"]
    (asked,) = client.call("wait", tasks=[task], timeout=PATIENCE)["tasks"]
    assert asked["needs"]["question"] == "Which one?"
    client.call("answer", task=task, text="this")
    assert client.call("wait", tasks=[task], timeout=PATIENCE)["tasks"][0]["state"] == "completed"
    reader = client.call("submit", command=["sh", "-c", "read line; echo got $line"])["id"]
    until(lambda: client.call("show", task=reader)["state"] == "running", "it to run")
    until(
        lambda: "arrived" in _sent(client, reader) and _sent(client, reader)["arrived"],
        "the line to arrive",
    )
    client.call("wait", tasks=[reader], timeout=PATIENCE)
    assert client.call("show", task=reader)["output"] == "got it"


def _sent(client: McpClient, task: str) -> dict[str, Any]:
    told = client.ask(
        "tools/call", name="send", arguments={"task": task, "text": "it", "key": "once"}
    )["result"]
    return dict(json.loads(told["content"][0]["text"]))


def test_a_plan_is_given_to_a_goal_and_shown(console: Console, client: McpClient) -> None:
    subprocess.run(["git", "init", "-q", console.home / "goal"], check=True)
    (console.home / "plan.yaml").write_text(
        "steps: [{name: a, provider: shell, command: ['true']}]"
    )
    goal = console.say(
        *("goal", "reach it", "--plan", "plan.yaml", "--cwd", "goal", "--detach"),
    )
    told = client.call("plan", goal=goal)
    assert [step["name"] for step in told["plan"]["steps"]] == ["a"]
    mine = {"steps": [{"name": "b", "prompt": "do it"}]}
    stale = client.refused("plan", goal=goal, plan=mine, version=0)
    assert stale["code"] in ("conflict", "illegal-transition")
    # What an agent plans names no programs.
    shells = {"steps": [{"name": "b", "provider": "shell", "command": ["true"]}]}
    assert "may not set" in client.refused("plan", goal=goal, plan=shells)["message"]


@pytest.mark.parametrize(
    ("tool", "arguments", "why"),
    [
        ("submit", {}, "nothing to run"),
        ("submit", {"agent": "nobody-knows", "prompt": "x"}, "no provider"),
        ("submit", {"command": ["true"], "--env-all": True}, "there is no argument '--env-all'"),
        ("submit", {"command": "rm"}, "`command` has to be a list"),
        ("submit", {"command": ["true"], "retries": -1}, "`retries` has to be from 0"),
        ("submit", {"command": ["true"], "cwd": "/nowhere/at/all"}, "does not exist"),
        ("submit", {"command": ["true"], "name": "--detach\0"}, "no character"),
        ("show", {}, "'task' is missing"),
        ("show", {"task": "nonesuch"}, "no task"),
        ("wait", {"tasks": []}, "`tasks` has to be a list"),
        ("wait", {"tasks": ["last"], "timeout": 1e9}, "`timeout` has to be from"),
        ("list", {"states": ["asleep"]}, "has to be one of"),
        ("answer", {"task": "last", "text": 5}, "`text` has to be a text"),
    ],
)
def test_what_a_tool_cannot_do_is_for_the_model_to_read(
    client: McpClient, tool: str, arguments: dict[str, Any], why: str
) -> None:
    assert why in client.refused(tool, **arguments)["message"]


def test_an_argument_is_never_taken_for_a_flag(client: McpClient) -> None:
    task = client.call("submit", command=["echo", "--key", "x"], name="--review")
    client.call("wait", tasks=[task["id"]], timeout=PATIENCE)
    shown = client.call("show", task=task["id"])
    assert (shown["name"], shown["output"]) == ("--review", "--key x")


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_each_version_is_spoken_that_is_asked_for(console: Console, version: str) -> None:
    with McpClient(console.env, console.home, version=version) as client:
        assert client.greeting["protocolVersion"] == version
        assert client.greeting["serverInfo"]["name"] == "inspan"
        told = client.ask("tools/call", name="list", arguments={})["result"]
        assert ("structuredContent" in told) is (version >= "2025-06-18")


def test_a_version_that_nobody_knows_is_answered_with_ours(console: Console) -> None:
    with McpClient(console.env, console.home, version="1999-01-01") as client:
        assert client.greeting["protocolVersion"] == "2025-11-25"


def test_what_is_no_message_is_refused_and_does_no_harm(console: Console) -> None:
    with McpClient(console.env, console.home, greet=False) as client:
        assert client.ask("tools/list")["error"]["code"] == -32600
        for line, code in (
            (b"not json", -32700),
            (b"[]", -32600),
            (b"7", -32600),
            (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600),
            (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600),
            (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32602),
            (b'{"jsonrpc":"2.0","id":1,"method":"tools/eat"}', -32601),
            (b"[" * 100_000, -32700),
        ):
            client.write(line)
            assert client.read()["error"]["code"] == code, line[:60]
        client.write(b'{"jsonrpc":"2.0","id":9,"result":{}}')
        client.write(b"")
        batch = [{"jsonrpc": "2.0", "id": number, "method": "ping"} for number in ("a", "b")]
        client.write(json.dumps(batch).encode())
        assert client.read() == [
            {"jsonrpc": "2.0", "id": each["id"], "result": {}} for each in batch
        ]


def test_a_call_is_given_up_and_others_go_on(client: McpClient) -> None:
    task = client.call("submit", command=["sleep", "60"])["id"]
    long = client.begin("tools/call", name="wait", arguments={"tasks": [task], "timeout": 3000})
    assert client.ask("ping")["result"] == {}
    client.tell("notifications/cancelled", requestId=long, reason="changed my mind")
    client.call("cancel", task=task)
    assert client.ask("ping")["result"] == {}
    assert not [told for told in client.others if told.get("id") == long]


def test_who_waits_is_told_that_there_is_work(client: McpClient) -> None:
    task = client.call("submit", command=["sleep", "60"])["id"]
    waiting = client.begin(
        "tools/call",
        name="wait",
        arguments={"tasks": [task], "timeout": PATIENCE},
        _meta={"progressToken": "t"},
    )
    told = client.read()
    assert told["method"] == "notifications/progress"
    assert told["params"]["progressToken"] == "t"
    assert told["params"]["message"] == "1 at work"
    client.begin("tools/call", name="cancel", arguments={"task": task})
    assert client.end(waiting)["result"]["structuredContent"]["done"] is True


def test_it_ends_with_its_input_and_at_a_signal(console: Console) -> None:
    with McpClient(console.env, console.home) as client:
        asked = {"name": "submit", "arguments": {"command": ["true"], "name": "in time"}}
        client.begin("tools/call", **asked)
        out, err = client.process.communicate(timeout=PATIENCE)
        assert (client.process.returncode, err) == (0, b"")
        assert b"in time" in out
    with McpClient(console.env, console.home) as client:
        client.process.send_signal(signal.SIGTERM)
        assert client.process.wait(PATIENCE) == 0


def test_it_outlives_the_daemon(console: Console, client: McpClient) -> None:
    task = client.call("submit", command=["sleep", "2"])["id"]
    until(lambda: client.call("show", task=task)["state"] == "running", "it to run")
    waiting = client.begin(
        "tools/call", name="wait", arguments={"tasks": [task], "timeout": PATIENCE}
    )
    console.say("up", "--restart")
    told = client.end(waiting)["result"]
    assert told["structuredContent"]["tasks"][0]["state"] == "completed", told
