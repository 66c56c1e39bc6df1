"""The worker's own checks say what the schema says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from inspan.kernel import protocol
from inspan.kernel.frames import Decoder, FrameError
from inspan.kernel.host.link import packed
from inspan.kernel.protocol import TO_WORKER
from inspan.kernel.worker.inbound import check

NAMES = (
    *(
        "type",
        "version",
        "session",
        "token",
        "last_seq",
        "execution_id",
        "code",
        "mode",
        "threaded",
    ),
    *(
        "silent",
        "store",
        "allow_stdin",
        "request",
        "value",
        "path",
        "key",
        "promise",
        "ok",
        "error",
        "seq",
    ),
    *("cursor", "detail", "more"),
)
KINDS = (
    *("hello", "execute", "input_response", "cancel", "checkpoint", "restore", "answer"),
    *("complete", "inspect", "ack", "shutdown", "other"),
)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 9), st.text(max_size=3), st.just("simple_sync")
)


@st.composite
def messages(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(KINDS))
    schema = next((m for m in MODELS if m.model_fields["type"].default == kind), None)
    fields = {} if schema is None else schema.model_fields
    message: dict[str, Any] = {"type": kind}
    for name, field in fields.items():
        if name != "type" and (field.is_required() or draw(st.booleans())):
            message[name] = draw(LIKELY.get(name, VALUES) if draw(st.integers(0, 9)) else VALUES)
    for name in draw(st.sets(st.sampled_from(NAMES), max_size=1)):
        if draw(st.booleans()):
            message.pop(name, None)
        elif draw(st.booleans()):
            message[name] = draw(VALUES)
    return message


LIKELY: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("version", "last_seq", "cursor", "seq", "detail"), st.integers(0, 9)),
    **dict.fromkeys(("threaded", "silent", "store", "allow_stdin", "ok"), st.booleans()),
    **dict.fromkeys(
        ("session", "token", "execution_id", "code", "request", "path", "key", "promise", "error"),
        st.text(min_size=1, max_size=3),
    ),
    "mode": st.sampled_from(["auto", "simple_sync", "async_def"]),
}


def _models() -> list[Any]:
    kinds = ("Hello", "Execute", "InputResponse", "Cancel", "Checkpoint", "Restore", "Answer")
    return [getattr(protocol, name) for name in (*kinds, "Complete", "Inspect", "Ack", "Shutdown")]


MODELS = _models()


def test_a_mode_that_there_is_not_is_named() -> None:
    with pytest.raises(FrameError, match=r"execute\.mode is unknown: 'quick'"):
        check({"type": "execute", "execution_id": "a", "code": "", "mode": "quick"})


@given(messages())
def test_the_worker_takes_what_the_schema_takes_and_no_more(message: dict[str, Any]) -> None:
    try:
        wanted = TO_WORKER.validate_python(message)
    except ValidationError:
        wanted = None
    try:
        got = check(dict(message))
    except FrameError:
        got = None
    assert (wanted is None) == (got is None)
    if wanted is not None and got is not None:
        assert wanted.model_dump(mode="json") == got


EXECUTE = {"type": "execute", "execution_id": "a", "code": ""}


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ({}, "no known type: None"),
        ({"type": ["execute"]}, "no known type"),
        ({"type": "execute", "execution_id": "a"}, "execute lacks code"),
        ({**EXECUTE, "colour": 1}, "no field 'colour'"),
        ({**EXECUTE, "silent": 1}, "execute.silent is a int"),
        ({**EXECUTE, "execution_id": ""}, "execution_id is empty or too long"),
        ({**EXECUTE, "execution_id": "x" * 100_000}, "execution_id is empty or too long"),
        ({**EXECUTE, "file": ""}, "execute.file is empty or too long"),
        ({**EXECUTE, "file": "x" * 100_000}, "execute.file is empty or too long"),
        ({**EXECUTE, "ack": -1}, "execute.ack is negative"),
        ({"type": "ack", "seq": -1}, "ack.seq is negative"),
        ({"type": "ack", "seq": True}, "ack.seq is a bool"),
    ],
)
def test_a_mistake_is_told_with_its_field(message: dict[str, Any], named: str) -> None:
    with pytest.raises(FrameError) as told:
        check(message)
    assert named in str(told.value)


@pytest.mark.parametrize(
    "unusual",
    [
        {},
        {"mode": "async_def", "threaded": True, "silent": True, "ack": 7},
        {"store": False, "allow_stdin": False, "file": "a.py"},
    ],
)
def test_a_cell_is_asked_for_without_what_is_as_usual(unusual: dict[str, Any]) -> None:
    asked = {"execution_id": "c1", "code": "1", **unusual}
    ((head, _),) = Decoder().feed(packed(protocol.Execute(**asked)))

    assert head == {"type": "execute", **asked}
    assert protocol.Execute(**check(head)) == protocol.Execute(**asked)
