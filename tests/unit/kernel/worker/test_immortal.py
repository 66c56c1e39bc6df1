"""What a zygote has when it forks is not written to by a look at it, and all else lives as ever."""

import ctypes
import json
import subprocess
import sys

import pytest

from inspan.kernel.worker import immortal

PROGRAM = """
import gc, json, sys, types, weakref
from inspan.kernel.worker import immortal

class Kept:
    def method(self):
        return "a constant that is no name", lambda: self

class Made:
    pass

kept, held = Kept(), [Made()]
kept.text = " ".join(["made", "here"])
dies = weakref.ref(held[0])
had = sys.getrefcount(None)
done = immortal.keep()
code = Kept.method.__code__
looked_at = [Kept, kept, held, Kept.method, code, json, *code.co_consts, kept.text]
held[0] = None
made = Made()
gone = weakref.ref(made)
made = made.itself = Made()
made.itself = made
del made
gc.freeze()
gc.unfreeze()
gc.collect()
print(json.dumps({
    "done": done,
    "counted": not all(sys.getrefcount(one) == had for one in looked_at),
    "new": sys.getrefcount(Made()) == had,
    "lives on": dies() is not None,
    "freed": gone() is None,
    "works": kept.method()[1]() is kept,
}))
"""


def test_what_is_there_stays_and_what_comes_goes() -> None:
    asked = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    able = sys.version_info >= (3, 13) and not hasattr(sys, "gettotalrefcount")
    assert json.loads(asked.stdout) == {
        "done": able,
        "counted": not able,
        "new": False,
        "lives on": able,
        "freed": True,
        "works": True,
    }


@pytest.mark.skipif(sys.platform != "linux", reason="another library would have to be named")
def test_a_python_without_it_makes_nothing_immortal(monkeypatch: pytest.MonkeyPatch) -> None:
    one = object()
    before = sys.getrefcount(one)
    monkeypatch.setattr(ctypes, "pythonapi", ctypes.CDLL("libc.so.6"))
    assert immortal.keep() is False
    assert sys.getrefcount(one) == before
