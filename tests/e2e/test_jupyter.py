"""A kernel as a Jupyter client has it: interrupts, lines, floods, deaths, and nonsense."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from inspan.jupyter.wire import DELIMITER, Wire
from tests.real.console import PATIENCE, Console
from tests.real.jupyter import NAME, folder, installed, started

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("D1", "D3", "D9", "D12")]

Message = dict[str, Any]


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with installed() as console:
        yield console


@pytest.fixture(scope="module")
def one(console: Console) -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    with started(console) as one:
        yield one


@pytest.fixture
def client(one: tuple[KernelManager, BlockingKernelClient]) -> BlockingKernelClient:
    return one[1]


def reply_to(client: BlockingKernelClient, request: str) -> Message:
    """The content of the reply; what else comes is let go."""
    while True:
        message: Message = client.get_shell_msg(timeout=PATIENCE)
        if message["parent_header"].get("msg_id") == request:
            content: Message = message["content"]
            return content


def published(client: BlockingKernelClient, request: str) -> Iterator[Message]:
    """What is published about a request, up to its end."""
    while True:
        message: Message = client.get_iopub_msg(timeout=PATIENCE)
        if message["parent_header"].get("msg_id") != request:
            continue
        if message["content"].get("execution_state") == "idle":
            return
        yield message


def run(client: BlockingKernelClient, code: str, **how: Any) -> tuple[Message, list[Message]]:
    """A cell from its request to its end: the reply, and what was published."""
    request = client.execute(code, **how)
    told = list(published(client, request))
    return reply_to(client, request), told


def printed(told: list[Message], stream: str = "stdout") -> str:
    parts = [one["content"] for one in told if one["msg_type"] == "stream"]
    return "".join(part["text"] for part in parts if part["name"] == stream)


def result(told: list[Message]) -> str:
    (found,) = [one["content"] for one in told if one["msg_type"] == "execute_result"]
    plain: str = found["data"]["text/plain"]
    return plain


def until(found: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < deadline, f"never came about: {what}"
        time.sleep(0.01)


def ready(client: BlockingKernelClient) -> bool:
    """Whether it is, for a client that started no process: what does not beat at once is dead."""
    try:
        client.wait_for_ready(timeout=PATIENCE)
    except RuntimeError:
        return False
    return True


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(60)",
        "import asyncio; await asyncio.sleep(60)",
        "import subprocess; subprocess.run(['sleep', '60'])",
        "input()",
    ],
)
def test_an_interrupt_ends_the_cell_and_not_the_session(
    one: tuple[KernelManager, BlockingKernelClient], code: str
) -> None:
    manager, client = one
    run(client, "kept = 7")
    request = client.execute(f"print('on', flush=True)\n{code}")
    messages = published(client, request)
    assert any(message["msg_type"] == "stream" for message in messages)
    if code == "input()":
        client.get_stdin_msg(timeout=PATIENCE)
    manager.interrupt_kernel()
    *_, last = list(messages)
    assert (last["msg_type"], last["content"]["ename"]) == ("error", "KeyboardInterrupt")
    assert reply_to(client, request)["status"] == "error"
    assert result(run(client, "kept")[1]) == "7"


def test_an_interrupt_of_nothing_is_answered(client: BlockingKernelClient) -> None:
    message = client.session.msg("interrupt_request", {})
    client.control_channel.send(message)
    while True:
        reply: Message = client.get_control_msg(timeout=PATIENCE)
        if reply["parent_header"]["msg_id"] == message["header"]["msg_id"]:
            break
    assert (reply["msg_type"], reply["content"]) == ("interrupt_reply", {"status": "ok"})
    assert result(run(client, "1 + 1")[1]) == "2"


def test_lines_are_asked_for(client: BlockingKernelClient) -> None:
    code = "from getpass import getpass\n(input('name? '), getpass('word? '))"
    request = client.execute(code, allow_stdin=True)
    for prompt, hidden, line in (("name? ", False, "ada"), ("word? ", True, "secret")):
        asked: Message = client.get_stdin_msg(timeout=PATIENCE)
        assert asked["content"] == {"prompt": prompt, "password": hidden}
        client.input(line)
    assert result(list(published(client, request))) == "('ada', 'secret')"
    assert reply_to(client, request)["status"] == "ok"
    reply, _ = run(client, "input()", allow_stdin=False)
    assert reply["ename"] == "EOFError"


def test_what_follows_a_failure_is_not_run(client: BlockingKernelClient) -> None:
    run(client, "ran = []")
    first = client.execute("import time; time.sleep(0.3); 1 / 0")
    late = [client.execute(f"ran.append({number})") for number in range(5)]
    assert reply_to(client, first)["ename"] == "ZeroDivisionError"
    assert [reply_to(client, request)["status"] for request in late] == ["aborted"] * 5
    loose = client.execute("time.sleep(0.3); 1 / 0", stop_on_error=False)
    after = client.execute("ran.append('after')")
    assert reply_to(client, loose)["status"] == "error"
    assert reply_to(client, after)["status"] == "ok"
    assert result(run(client, "ran")[1]) == "['after']"


def test_expressions_are_evaluated_behind_the_cell(client: BlockingKernelClient) -> None:
    wanted = {"good": "x * 2", "wrong": "1 / 0", "no": "y = 1", "slept": "await sleep(0, 'z')"}
    wanted["long"] = repr("x" * (9 << 20))
    reply, _ = run(client, "from asyncio import sleep\nx = 21", user_expressions=wanted)
    found = reply["user_expressions"]
    assert found["good"]["data"] == {"text/plain": "42"}
    assert (found["wrong"]["status"], found["wrong"]["ename"]) == ("error", "ZeroDivisionError")
    assert found["no"]["ename"] == "SyntaxError"
    assert (found["long"]["status"], found["long"]["ename"]) == ("error", "bad-input")
    assert found["slept"]["data"] == {"text/plain": "'z'"}


def test_what_is_silent_or_not_stored_leaves_no_trace(client: BlockingKernelClient) -> None:
    count = run(client, "'loud'")[0]["execution_count"]
    reply, told = run(client, "'quiet'", silent=True)
    assert (reply["execution_count"], [one["msg_type"] for one in told]) == (count, ["status"])
    reply, told = run(client, "'loose'", store_history=False)
    assert (reply["execution_count"], result(told)) == (count, "'loose'")
    reply, told = run(client, "_")
    assert (reply["execution_count"], result(told)) == (count + 1, "'loud'")


def test_a_display_is_shown_anew(client: BlockingKernelClient) -> None:
    code = "handle = display(1, display_id='here')\nhandle.update(2)\nclear_output(wait=True)"
    told = [one for one in run(client, code)[1] if one["msg_type"] != "status"][1:]
    shown, anew, cleared = (one["content"] for one in told)
    kinds = [one["msg_type"] for one in told]
    assert kinds == ["display_data", "update_display_data", "clear_output"]
    assert (shown["transient"], shown["data"]) == ({"display_id": "here"}, {"text/plain": "1"})
    assert (anew["transient"], anew["data"]) == ({"display_id": "here"}, {"text/plain": "2"})
    assert cleared == {"wait": True}


def test_an_exception_group_is_an_error(client: BlockingKernelClient) -> None:
    reply, told = run(client, "raise ExceptionGroup('both', [ValueError(1), KeyError(2)])")
    assert (reply["ename"], told[-1]["msg_type"]) == ("ExceptionGroup", "error")
    assert any("KeyError: 2" in line for line in reply["traceback"])


def test_a_flood_comes_whole_and_in_order(client: BlockingKernelClient) -> None:
    _, told = run(client, "for n in range(100_000): print(n)")
    assert printed(told) == "".join(f"{n}\n" for n in range(100_000))
    _, told = run(client, "print('ä' * 2_000_000)")
    assert printed(told) == "ä" * 2_000_000 + "\n"


def test_what_a_listener_does_not_take_waits_for_it(client: BlockingKernelClient) -> None:
    """More messages than all queues on the way hold; none is read until the cell has to wait."""
    code = "import sys\nfor n in range(6000):\n    print(n); print(n, file=sys.stderr)"
    request = client.execute(code)
    with pytest.raises(Empty):
        client.get_shell_msg(timeout=1.0)
    told = list(published(client, request))
    assert reply_to(client, request)["status"] == "ok"
    for stream in ("stdout", "stderr"):
        assert printed(told, stream) == "".join(f"{n}\n" for n in range(6000))


def test_what_a_task_prints_later_comes(client: BlockingKernelClient) -> None:
    code = """
import asyncio
async def later():
    await asyncio.sleep(0.2)
    print("late")
task = asyncio.create_task(later())
"""
    request = client.execute(code)
    reply_to(client, request)
    while True:
        message: Message = client.get_iopub_msg(timeout=PATIENCE)
        if message["msg_type"] == "stream":
            break
    assert message["content"]["text"] == "late\n"
    assert message["parent_header"]["msg_id"] == request


def test_a_comm_that_nobody_serves_is_closed(client: BlockingKernelClient) -> None:
    content = {"comm_id": "c1", "target_name": "widget", "data": {}}
    message = client.session.msg("comm_open", content)
    client.shell_channel.send(message)
    (closed,) = [
        one["content"]
        for one in published(client, message["header"]["msg_id"])
        if one["msg_type"] == "comm_close"
    ]
    assert closed["comm_id"] == "c1"
    request = client.comm_info()
    assert reply_to(client, request)["comms"] == {}


NONSENSE: dict[str, list[Any]] = {
    "execute_request": [{}, {"code": 1}, {"code": "1", "silent": "yes"}, {"code": "\0"}],
    "complete_request": [{}, {"code": "a", "cursor_pos": "b"}, {"code": "a", "cursor_pos": -9}],
    "inspect_request": [{}, {"code": [], "cursor_pos": 1}, {"code": "", "cursor_pos": 10**30}],
    "history_request": [{}, {"hist_access_type": "tail", "n": "x"}, {"hist_access_type": "odd"}],
    "is_complete_request": [{}, {"code": None}, {"code": "(" * 5000}],
    "comm_open": [{}],
    "shutdown_request": [{"restart": "perhaps"}],
}


def test_nonsense_is_answered_or_let_go(client: BlockingKernelClient) -> None:
    for kind, contents in NONSENSE.items():
        for content in contents:
            message = client.session.msg(kind, content)
            client.shell_channel.send(message)
            list(published(client, message["header"]["msg_id"]))
            if kind != "comm_open":
                assert "status" in reply_to(client, message["header"]["msg_id"])
    client.shell_channel.send(client.session.msg("no_such_request", {}))
    assert result(run(client, "'alive'")[1]) == "'alive'"


def test_what_is_not_signed_is_not_run(
    console: Console, one: tuple[KernelManager, BlockingKernelClient]
) -> None:
    manager, client = one
    info: dict[str, Any] = {**manager.get_connection_info()}
    mark = console.home / "mark"
    content = {"code": f"open({str(mark)!r}, 'w')", "silent": True}
    good = Wire(info["key"]).encode("execute_request", content)
    bad = Wire(b"another key").encode("execute_request", content)
    frames: list[list[bytes]] = [
        bad,
        [],
        [b""],
        [DELIMITER],
        [DELIMITER, b"x"],
        [*good[:1], b"", *good[2:]],
        [*good[:3], b"{", *good[4:]],
        [*good[:-1], b"[" * 100_000],
        good[:-1],
        [b"x" * 70_000_000],
    ]
    with zmq.Context() as context:
        for channel in ("shell", "control", "stdin", "iopub", "hb"):
            for part in frames:
                with context.socket(zmq.XSUB if channel == "iopub" else zmq.DEALER) as socket:
                    socket.set(zmq.LINGER, 500)
                    socket.connect(f"tcp://{info['ip']}:{info[channel + '_port']}")
                    socket.send_multipart(part or [b"empty"])
        assert result(run(client, "'alive'")[1]) == "'alive'"
        assert not mark.exists()
        with context.socket(zmq.DEALER) as socket:
            socket.set(zmq.LINGER, 500)
            socket.connect(f"tcp://{info['ip']}:{info['shell_port']}")
            socket.send_multipart(good)
            until(mark.exists, "the signed one runs")
            mark.unlink()
            socket.send_multipart(good)  # as one who overheard it would
            assert result(run(client, "'alive'")[1]) == "'alive'"
            assert not mark.exists()


def test_a_crash_is_told_and_ends_the_kernel(console: Console) -> None:
    with started(console) as (manager, client):
        reply, told = run(client, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
        assert (reply["status"], told[-1]["msg_type"]) == ("error", "error")
        assert "SIGSEGV" in reply["evalue"]
        until(lambda: not manager.is_alive(), "the kernel ends, and its client knows")


def test_a_restart_begins_anew_with_the_same_client(console: Console) -> None:
    with started(console) as (manager, client):
        worker = Path("/proc", result(run(client, "import os; gone = 1; os.getpid()")[1]))
        for now in (False, True):
            manager.restart_kernel(now=now)
            client.wait_for_ready(timeout=PATIENCE)
            until(lambda worker=worker: not worker.exists(), "the old worker is gone")  # type: ignore[misc]  # bound at once
            assert run(client, "gone")[0]["ename"] == "NameError"
            worker = Path("/proc", result(run(client, "import os; gone = 1; os.getpid()")[1]))


@pytest.mark.parametrize(
    "code", ["0", "while True: pass", "sum(__import__('itertools').repeat(1))"]
)
def test_a_kernel_that_is_killed_leaves_no_worker(console: Console, code: str) -> None:
    with started(console) as (manager, client):
        worker = Path("/proc", result(run(client, "import os; os.getpid()")[1]))
        client.execute(code)
        manager.provisioner.process.kill()  # type: ignore[union-attr]  # it is a local one
        until(lambda: not worker.exists(), "the worker ends with its kernel")


def test_a_kernel_ends_with_who_started_it(console: Console, tmp_path: Path) -> None:
    spec = json.loads((folder(console) / "kernel.json").read_text())
    info = KernelManager(kernel_name=NAME, connection_file=str(tmp_path / "connection.json"))
    info.write_connection_file()
    parent = subprocess.Popen(["sleep", "60"])
    argv = [part.format(connection_file=info.connection_file) for part in spec["argv"]]
    env = {**os.environ, **spec["env"], "JPY_PARENT_PID": str(parent.pid)}
    kernel = subprocess.Popen(argv, env=env, cwd=tmp_path)
    try:
        client = info.blocking_client()
        client.start_channels()
        until(lambda: ready(client), "the kernel answers")
        client.stop_channels()
        client.context.term()
        parent.kill()
        parent.wait()
        assert kernel.wait(PATIENCE) == 0
    finally:
        kernel.kill()
        kernel.wait()
        parent.kill()
        parent.wait()
        info.cleanup_connection_file()


def test_sigterm_ends_it_and_sigint_interrupts(console: Console) -> None:
    with started(console) as (manager, client):
        process = manager.provisioner.process  # type: ignore[union-attr]  # it is a local one
        request = client.execute("print('on', flush=True)\nwhile True: pass")
        messages = published(client, request)
        assert any(message["msg_type"] == "stream" for message in messages)
        process.send_signal(signal.SIGINT)
        assert [one["msg_type"] for one in messages][-1] == "error"
        process.send_signal(signal.SIGTERM)
        until(lambda: not manager.is_alive(), "it ends")
        assert process.poll() == 0


@pytest.mark.parametrize(
    "given",
    [
        "no file",
        "[]",
        "{",
        json.dumps({"key": "", "shell_port": 1}),
        json.dumps({"key": "k", "signature_scheme": "hmac-md5"}),
        json.dumps({"key": "k", "transport": "udp"}),
        json.dumps({"key": "k", "shell_port": 70000}),
    ],
)
def test_a_connection_file_that_will_not_do_is_said(tmp_path: Path, given: str) -> None:
    file = tmp_path / "connection.json"
    if given != "no file":
        file.write_text(given)
    command = [sys.executable, "-m", "inspan.jupyter", "-f", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("inspan: ")
    assert "hint: " in done.stderr


def test_the_notebook_s_folder_is_writable_unless_told_otherwise(
    console: Console, client: BlockingKernelClient, tmp_path: Path
) -> None:
    assert run(client, "open('written', 'w').close()")[0]["status"] == "ok"
    assert (console.home / "written").exists()
    place = ("--prefix", str(tmp_path), "--name", "strict", "--json")
    console.say("kernel", "install", *place, "--sandbox")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(tmp_path / "share" / "jupyter"))
        with started(console, "strict") as (_, confined):
            reply, _ = run(confined, "open('strict', 'w').close()")
    assert reply["ename"] in {"PermissionError", "OSError"}
    assert not (console.home / "strict").exists()


def test_a_kernel_is_installed_and_removed(console: Console, tmp_path: Path) -> None:
    place = ("--prefix", str(tmp_path), "--name", "mine")
    told = json.loads(console.say("kernel", "install", *place, "--json"))
    file = Path(told["path"]) / "kernel.json"
    spec = json.loads(file.read_text())
    assert spec == told["spec"]
    assert spec["interrupt_mode"] == "message"
    assert spec["argv"][1:5] == ["-m", "inspan.jupyter", "-f", "{connection_file}"]
    assert console.say("kernel", "remove", *place).startswith("removed ")
    assert not file.parent.exists()


def test_what_cannot_be_installed_or_removed_is_said(console: Console, tmp_path: Path) -> None:
    place = ("--prefix", str(tmp_path), "--name", "theirs")
    theirs = tmp_path / "share" / "jupyter" / "kernels" / "theirs"
    assert b"there is no kernel" in console.run("kernel", "remove", *place).stderr
    theirs.mkdir(parents=True)
    (theirs / "kernel.json").write_text('{"argv": ["theirs"]}')
    for what in ("install", "remove"):
        assert b"another program's kernel" in console.run("kernel", what, *place).stderr
    assert b"a kernel's name" in console.run("kernel", "install", "--name", "../x").stderr
    wrong = console.run("kernel", "install", "--prefix", str(tmp_path), "--python", "/no/python")
    assert b"there is no such Python" in wrong.stderr
