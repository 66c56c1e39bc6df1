import json
import subprocess
import sys

from inspan.kernel.frames import Decoder, encode

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
