"""WebSockets, told anything: each word gets a documented answer or the connection such an end.

What the server says is held against AsyncAPI throughout, and so is what clients say.
"""

from __future__ import annotations

import json
import logging
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jsonschema import ValidationError

from inspan.client import wire
from inspan.client.sync import SyncControl
from inspan.errors import StoreFailed
from inspan.model import event as e
from inspan.model import wire as frames
from inspan.model.code import CODE_FACTS, CodeEvent, CodeSpec
from inspan.server import describe
from inspan.server.rest import encode
from tests.fakes.control import FakeControl
from tests.fakes.described import hears, said_conforms
from tests.fakes.hands import served
from tests.fakes.rawsocket import RawSocket, upgraded
from tests.unit.model.samples import of

pytestmark = [pytest.mark.requirement("C6", "A5"), pytest.mark.timeout(300)]

TERMINAL, EVENTS, CELLS = "/v1/sessions/{ref}/terminal", "/v1/events", "/v1/cells"
SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Bench(NamedTuple):
    """A served fake, in a thread of its own."""

    fake: FakeControl
    path: Path
    portal: BlockingPortal
    cells: str

    def task(self) -> str:
        """A new task that runs and has printed something."""
        task = self.portal.call(self.fake.submit_running)
        self.portal.call(self.fake.prints, task.id, b"hello\r\n")
        return str(task.id)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with start_blocking_portal() as portal:
        fake = FakeControl()
        with portal.wrap_async_context_manager(served(fake)) as path:
            cells = portal.call(fake.code.open, CodeSpec(cwd="/"))
            yield Bench(fake, path, portal, cells.id)


# ── anything ──────────────────────────────────────────────────────────────────

numbers = st.integers(0, 2**64 - 1)
typed = st.one_of(
    st.builds(lambda n, data: frames.frame(frames.INPUT, n, data), numbers, st.binary()),
    st.builds(
        lambda n, cols, rows: frames.frame(frames.RESIZE, n, struct.pack(">II", cols, rows)),
        numbers,
        st.integers(0, 70_000),
        st.integers(0, 70_000),
    ),
    st.builds(lambda n, at: frames.frame(frames.LEAVE, n, struct.pack(">Q", at)), numbers, numbers),
    st.builds(lambda op, rest: bytes([op]) + rest, st.integers(0, 255), st.binary()),
)
#: No code that could do harm: the fake runs what it is given.
codes = st.sampled_from(["1", "a = 1", "print(1)", "1/0", "(", "", "\0", "ü"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
sessions = st.sampled_from(["THE ONE", "nobody", "", "%2f"])
options: st.SearchStrategy[Any] = (
    st.just({}) | st.fixed_dictionaries({"silent": anything}) | anything
)
executing = st.fixed_dictionaries(
    {"session": sessions | anything, "code": codes | anything}, optional={"options": options}
)
following = st.fixed_dictionaries(
    {"session": sessions | anything},
    optional={"since": st.integers(-1, 2**70) | anything, "cell": sessions | anything},
)
words = st.one_of(
    st.fixed_dictionaries(
        {}, optional={"execute": executing, "run": executing, "follow": following}
    ),
    st.dictionaries(st.sampled_from(["execute", "follow", "more"]), anything),
    anything,
)

#: As a message, or as bytes that are no message at all.
messages = st.one_of(
    st.tuples(st.just(wire.BINARY), typed),
    st.tuples(st.just(wire.TEXT), words.map(lambda word: json.dumps(word).encode())),
    st.tuples(st.sampled_from([wire.TEXT, wire.BINARY, wire.PING, wire.PONG]), st.binary()),
)
broken = st.one_of(
    st.binary(min_size=1, max_size=40),
    st.just(b"\x82\x05hello"),  # not masked
    st.just(b"\x82\xfe\xff\xff" + bytes(50)),  # cut short
    st.just(b"\x83\x80" + bytes(4)),  # an opcode that is not given out
    st.just(b"\xc2\x80" + bytes(4)),  # a bit that nobody agreed on
    st.just(b"\x80\x80" + bytes(4)),  # goes on with nothing
    st.just(b"\x82\xff" + (2**63 - 1).to_bytes(8) + bytes(4)),  # larger than the world
    st.just(wire.masked(wire.BINARY, b"i" + bytes(frames.FRAME_MOST + 100), b"mask")),
    st.just(wire.masked(wire.CLOSE, (999).to_bytes(2), b"mask")),
    st.just(wire.masked(wire.TEXT, b"\xff\xfe", b"mask")),
)


def told(bench: Bench, target: str, said: list[tuple[int, bytes]], tail: bytes) -> RawSocket:
    """What was heard until the end of a connection on which that was said."""
    with upgraded(bench.path, target) as client:
        with suppress(BrokenPipeError, ConnectionResetError):
            for opcode, payload in said:
                client.say(opcode, payload[:125] if opcode >= wire.CLOSE else payload)
            if tail:
                client.link.sendall(tail)
                client.link.shutdown(1)
            else:
                client.say(wire.CLOSE, (1000).to_bytes(2))
        client.to_the_end()
        return client


@given(
    which=st.sampled_from([TERMINAL, f"{TERMINAL}?writer=true", f"{EVENTS}?since=0", CELLS]),
    said=st.lists(messages, max_size=4),
    tail=st.just(b"") | broken,
)
@example(which=TERMINAL, said=[], tail=b"\x81\x82maskxx")
@example(which=TERMINAL, said=[(wire.BINARY, b"?")] * 3, tail=b"\x83\x80" + bytes(4))
@SETTINGS
def test_whatever_is_said_the_end_is_documented_and_the_server_lives(
    bench: Bench,
    caplog: pytest.LogCaptureFixture,
    which: str,
    said: list[tuple[int, bytes]],
    tail: bytes,
) -> None:
    caplog.clear()
    here = bench.cells.encode()
    said = [(opcode, payload.replace(b"THE ONE", here)) for opcode, payload in said]
    client = told(bench, which.replace("{ref}", bench.task()), said, tail)
    for opcode, payload in client.heard:
        kind = "text" if opcode == wire.TEXT else "bytes"
        message = {kind: payload.decode() if kind == "text" else payload}
        hears(which.partition("?")[0], message)
    # Where it was cut off itself, it may have left without a word.
    assert client.closed in frames.CLOSES or (tail and client.closed is None)
    with SyncControl(bench.path) as control:
        assert control.health().sessions >= 0
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@given(said=st.lists(typed, max_size=6))
@SETTINGS
def test_each_frame_to_a_terminal_is_acknowledged_by_its_number(
    bench: Bench, said: list[bytes]
) -> None:
    target = TERMINAL.replace("{ref}", bench.task()) + "?writer=true"
    with upgraded(bench.path, target) as client:
        for payload in said:
            client.say(wire.BINARY, payload)
        acks: list[tuple[int, int, bytes]] = []
        while len(acks) < len(said):
            assert client.read()
            heard = (frames.opened(payload) for _, payload in client.heard)
            acks = [one for one in heard if one[0] == frames.ACK]
    assert [number for _, number, _ in acks] == [
        int.from_bytes(payload[1:9]) if len(payload) >= 9 else 0 for payload in said
    ]
    for _, _, refusal in acks:
        assert not refusal or json.loads(refusal)["code"] in ("bad-input", "writer-taken")


@given(word=words)
@SETTINGS
def test_words_about_cells_that_asyncapi_does_not_have_are_refused(bench: Bench, word: Any) -> None:
    try:
        said_conforms(CELLS, word)
    except ValidationError:
        pass
    else:
        return  # of those, what cannot be is refused for what it is about
    with upgraded(bench.path, CELLS) as client:
        client.say(wire.TEXT, json.dumps(word).encode())
        while not client.heard:
            assert client.read()
        (answer,) = json.loads(client.heard[0][1])
    assert answer["refused"]["code"] == "bad-input"


# ── every kind there is ───────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", e.FACTS.values(), ids=lambda kind: str(kind.kind))
def test_every_kind_of_event_is_as_described(kind: Any) -> None:
    @given(fact=of(kind))
    @settings(max_examples=20)
    def run(fact: Any) -> None:
        told = encode(e.Event(7, 1.5, "t", "c", fact)).decode()
        hears(EVENTS, {"type": "websocket.send", "text": told})

    run()


@pytest.mark.parametrize("kind", CODE_FACTS.values(), ids=lambda kind: str(kind.kind))
def test_every_kind_of_event_of_cells_is_as_described(kind: Any) -> None:
    @given(fact=of(kind))
    @settings(max_examples=20)
    def run(fact: Any) -> None:
        told = f"[{encode(CodeEvent(7, 1.5, 's', fact)).decode()}]"
        hears(CELLS, {"type": "websocket.send", "text": told})

    run()


def test_every_kind_of_frame_of_a_terminal_is_told_and_no_other_is_documented(
    bench: Bench,
) -> None:
    ref = bench.task()
    bench.portal.call(partial(bench.fake.prints, ref, b"0123", stream="err"))
    bench.portal.call(bench.fake.cuts, ref, 2, 4)
    heard, said = set(), set()
    with upgraded(bench.path, TERMINAL.replace("{ref}", ref) + "?writer=true") as client:
        for word in (
            frames.frame(frames.INPUT, 1, b"x"),
            frames.frame(frames.RESIZE, 2, frames.size(80, 24)),
            frames.frame(frames.LEAVE, 3, frames.long(0)),
        ):
            said.add(chr(word[0]))
            client.say(wire.BINARY, word)
        while sum(payload[:1] == b"k" for _, payload in client.heard) < 3:
            assert client.read()
        bench.portal.call(bench.fake.ends, ref)
        client.to_the_end()
        assert client.closed == frames.CLOSE_DONE
        heard |= {chr(payload[0]) for _, payload in client.heard}
    broken = bench.task()
    bench.fake.sessions[f"{broken}-1"].fails = StoreFailed("the recording cannot be read")
    with upgraded(bench.path, TERMINAL.replace("{ref}", broken)) as client:
        client.to_the_end()
        assert client.closed == frames.CLOSE_FAILED
        heard |= {chr(payload[0]) for _, payload in client.heard}
    promised = describe.asyncapi()["channels"]["terminal"]["messages"]
    documented = {
        which: set(re.findall("`(.)`", promised[which]["description"])) for which in promised
    }
    assert {"send": heard, "receive": said} == documented
