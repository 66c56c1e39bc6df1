import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.kernel.frames import Decoder, Message
from inspan.kernel.worker.outbox import Outbox


class Sink:
    """Takes a few bytes at a time, and then none for once."""

    def __init__(self, takes: list[int]) -> None:
        self.takes = takes
        self.heard = b""

    def sendmsg(self, buffers: list[bytes | memoryview], /) -> int:
        size = self.takes.pop() if self.takes else 1 << 30
        if size == 0:
            raise BlockingIOError
        raw = b"".join(buffers)[:size]
        self.heard += raw
        return len(raw)


def output(stream: str = "stdout") -> dict[str, object]:
    return {"type": "output", "execution_id": "a", "stream": stream, "dropped": 0}


@given(st.lists(st.integers(0, 90), max_size=30), st.integers(0, 9), st.integers(0, 9))
def test_every_frame_arrives_once_however_it_is_taken(
    takes: list[int], seen: int, acked: int
) -> None:
    outbox, sink = Outbox(), Sink(takes)
    with outbox.lock:
        for number in range(9):
            outbox.put(output(), b"%d" % number)
            outbox.write(sink)
        while not outbox.write(sink):
            assert outbox.seq == 9
        frames = Decoder().feed(sink.heard)
        assert [head["seq"] for head, _ in frames] == [*range(1, 10)]
        # Another host comes that has some of them.
        acked = min(acked, seen)
        outbox.acknowledge(acked)
        outbox.rewind(seen)
        again = Sink([])
        assert outbox.write(again)
    assert [head["seq"] for head, _ in Decoder().feed(again.heard)] == [*range(seen + 1, 10)]


def test_a_start_that_is_held_is_part_of_its_own_end_and_a_message_before_anything_else() -> None:
    outbox, sink = Outbox(), Sink([])
    with outbox.lock:
        says: list[Message] = [
            {"type": "error", "execution_id": "c0"},
            output(),
            {"type": "result", "execution_id": "other"},
        ]
        for number, said in enumerate(says):
            outbox.hold({"type": "started", "execution_id": f"c{number}", "number": 7, "mode": "m"})
            outbox.put(said)
        outbox.hold({"type": "started", "execution_id": "c3", "number": 7, "mode": "m"})
        with pytest.raises(TypeError):
            outbox.put({"type": "result", "execution_id": "c3", "value": object()})
        outbox.put({"type": "error", "execution_id": "c3"})
        outbox.hold({"type": "started", "execution_id": "c4", "number": 7, "mode": "m"})
        outbox.release()
        outbox.release()
        outbox.write(sink)
    told = [head for head, _ in Decoder().feed(sink.heard)]
    assert [head["type"] for head in told] == [
        *("error", "started", "output", "started", "result", "error", "started")
    ]
    assert [head["seq"] for head in told] == [*range(1, 8)]
    assert [place for place, head in enumerate(told) if "began" in head] == [0, 5]
    assert told[5]["began"] == {"number": 7, "mode": "m"}


def test_beyond_the_bound_output_alone_is_dropped_and_said() -> None:
    outbox, sink = Outbox(most=100), Sink([])
    with outbox.lock:
        outbox.put(output(), b"x" * 100)
        outbox.put(output(), b"y" * 30)
        outbox.put(output("stderr"), b"z" * 5)
        outbox.put({"type": "heartbeat"})
        outbox.acknowledge(1)
        outbox.write(sink)
        outbox.acknowledge(2)
        outbox.put(output(), b"back")
        outbox.put({"type": "result", "execution_id": "a"})
        outbox.write(sink)
    said = [(head["type"], head.get("dropped"), body) for head, body in Decoder().feed(sink.heard)]
    assert said[1:] == [
        ("heartbeat", None, b""),
        ("output", 30, b"back"),
        ("output", 5, b""),
        ("result", None, b""),
    ]
