import json
import subprocess
import sys

import pytest

from inspan.kernel.frames import BODY_MOST, LENGTHS, Decoder, FrameError, encode, framed

MESSAGE = {
    "type": "x",
    "text": '\u2603\x7f"\\',
    "numbers": [1, 2.5, None, True],
    "nested": {"a": {}},
}

#: Some Pythons have no encoder in C, and this is how one comes to be without.
WITHOUT = """
import sys
for name in ("json", "json.decoder", "json.encoder", "json.scanner"):
    sys.modules.pop(name, None)  # something may have loaded it before us
sys.modules["_json"] = None
from inspan.kernel.frames import encode
import json
assert json.encoder.c_make_encoder is None
sys.stdout.buffer.write(encode(json.loads(sys.argv[1]), b"body"))
"""


def test_a_python_without_an_encoder_in_c_writes_the_same_frames() -> None:
    argv = [sys.executable, "-c", WITHOUT, json.dumps(MESSAGE)]
    written = subprocess.run(argv, capture_output=True, check=True, timeout=30).stdout
    assert written == encode(MESSAGE, b"body")
    assert Decoder().feed(written) == [(MESSAGE, b"body")]


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (b"", "not JSON"),
        (b" \n", "not JSON"),
        (b"nonsense", "not JSON"),
        (b"{} {}", "not JSON"),
        (b'{"a": \xff}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "no object"),
        (b'"text"', "no object"),
    ],
)
def test_what_is_no_message_ends_the_connection(head: bytes, why: str) -> None:
    with pytest.raises(FrameError, match=why):
        Decoder().feed(framed(head))


def test_what_is_too_large_is_neither_written_nor_waited_for() -> None:
    with pytest.raises(FrameError, match="too large"):
        encode({}, bytes(BODY_MOST + 1))
    with pytest.raises(FrameError, match="too large"):
        Decoder().feed(LENGTHS.pack(2, BODY_MOST + 1))
