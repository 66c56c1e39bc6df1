"""Every kind of object of a table: saved in one process, loaded in a fresh one, and *used* there.

A kind of RESTORED must be what it was when it is used; one of REPORTED must be listed with a reason
and not be there. With cloudpickle 55 are restored, 43 reported, and none lies.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.fakes.checkpoint_process import run

pytestmark = pytest.mark.requirement("D10")

#: What is made, how it is used after it was restored, and whether it is restored at all (``""`` is
#: how a kind is used that must be reported). ``it`` is the object; FOLDER holds files.
Kind = tuple[str, str]


def numpy(code: str) -> str:
    """Code that does nothing where numpy is not."""
    return f"try:\n    import numpy\nexcept ImportError: it = None\nelse:\n    {code}"


RESTORED: Final[dict[str, Kind]] = {
    "plain data": (
        "it = {'a': [1, 2.5, 'ü', b'x', None, {3, 4}, (5,)], 2: frozenset([6])}",
        "assert it == {'a': [1, 2.5, 'ü', b'x', None, {3, 4}, (5,)], 2: frozenset([6])}",
    ),
    "array": ("import array; it = array.array('d', [1, 2])", "assert it.tolist() == [1, 2]"),
    "ndarray": (
        numpy("it = numpy.arange(6.0).reshape(2, 3)"),
        numpy("assert it.shape == (2, 3) and it.sum() == 15; it[0, 0] = 1; assert it.sum() == 16"),
    ),
    "ndarray that shows a part of another": (
        numpy("six = numpy.arange(6); it = six[4:1:-1], six.reshape(2, 3).T, six[1::2]"),
        numpy(
            "six[3] = 99; assert it[0].tolist() == [4, 99, 2] and it[1][0, 1] == 99; "
            "it[2][1] = 7; assert six.tolist() == [0, 1, 2, 7, 4, 5]"
        ),
    ),
    "ndarray of columns, and a part that is read-only": (
        numpy(
            "table = numpy.zeros((2, 3), order='F'); it = table[:, 1]; it.flags.writeable = False"
        ),
        numpy("table[1, 1] = 5; assert it.tolist() == [0, 5] and not it.flags.writeable"),
    ),
    "ndarray of objects, records": (
        numpy("it = numpy.array([[1], 'x', None], object), numpy.zeros(2, [('a', 'i4')])"),
        numpy("assert it[0][1] == 'x' and it[1]['a'].tolist() == [0, 0]"),
    ),
    "views of a dict": (
        "import collections; shown = {'a': 1}; ordered = collections.OrderedDict(b=2); "
        "it = shown.keys(), shown.values(), shown.items(), ordered.keys(), ordered.items()",
        "shown['c'] = 3; assert list(it[0]) == ['a', 'c'] and list(it[1]) == [1, 3]; "
        "assert ('c', 3) in it[2]; ordered['d'] = 4; assert list(it[3]) == ['b', 'd'] "
        "and ('d', 4) in it[4]",
    ),
    "cyclic list": ("it = [1]; it.append(it)", "assert it[1] is it"),
    "module": ("import json as it", "import json; assert it is json"),
    "module of a package": (
        "import xml.dom.minidom; it = xml",
        "assert it.dom.minidom.parseString('<a/>')",
    ),
    "module in an attribute": (
        "import types, math; it = types.SimpleNamespace(m=math)",
        "import math; assert it.m is math",
    ),
    "lambda": ("it = lambda x: x + 1", "assert it(1) == 2"),
    "function using a global": (
        "base = 40\ndef it(x):\n    global base\n    base += 1\n    return base + x",
        "assert it(1) == 42 and base == 41; base = 0; assert it(1) == 2",
    ),
    "recursive function": (
        "def it(n):\n    return 1 if n < 2 else n * it(n - 1)",
        "assert it(5) == 120",
    ),
    "closure": (
        "def make():\n    n = 0\n    def up():\n        nonlocal n\n        n += 1\n"
        "        return n\n"
        "    return up\nit = make(); it()",
        "assert it() == 2 and it() == 3",
    ),
    "closure over itself": (
        "def make():\n    def f(n):\n        return 0 if n == 0 else f(n - 1)\n    return f\n"
        "it = make()",
        "assert it(3) == 0 and it.__closure__[0].cell_contents is it",
    ),
    "generator function": (
        "def it(n):\n    yield from range(n)",
        "assert list(it(3)) == [0, 1, 2]",
    ),
    "async function": (
        "async def it():\n    return 7",
        "import asyncio; assert asyncio.run(it()) == 7",
    ),
    "function with attributes": (
        "def it(a, *, b: int = 2) -> int:\n    'doc'\n    return a + b\nit.tag = [1]",
        "assert it(1) == 3 and it.tag == [1] and it.__doc__ == 'doc' "
        "and it.__annotations__['b'] is int",
    ),
    "class": (
        "class it:\n    n = 1\n    def f(self):\n        return self.n",
        "assert it().f() == 1 and it.__module__ == '__main__'",
    ),
    "instance": (
        "class I:\n    def __init__(self):\n        self.x = 3\n    def f(self):\n"
        "        return self.x\n"
        "it = I()",
        "assert it.f() == 3 and type(it) is I",
    ),
    "class that says super()": (
        "class A:\n    def f(self):\n        return 1\n"
        "class it(A):\n    def f(self):\n        return super().f() + 1",
        "assert it().f() == 2 and issubclass(it, A)",
    ),
    "class with slots": (
        "class Slim:\n    __slots__ = ('a',)\nit = Slim(); it.a = 1",
        "assert it.a == 1 and not hasattr(it, '__dict__') and not hasattr(Slim(), '__dict__')",
    ),
    "abstract class": (
        "import abc\nclass it(abc.ABC):\n    @abc.abstractmethod\n    def f(self): ...",
        "try:\n    it()\nexcept TypeError: pass\nelse:\n    raise AssertionError",
    ),
    "class with properties": (
        "class C:\n    @property\n    def p(self):\n        return 1\n    @classmethod\n"
        "    def c(cls):\n"
        "        return cls\n    @staticmethod\n    def s():\n        return 3\nit = C()",
        "assert it.p == 1 and it.c() is C and it.s() == 3",
    ),
    "bound method": (
        "class M:\n    def f(self):\n        return self\nm = M(); it = m.f",
        "assert it() is m",
    ),
    "Enum": (
        "import enum\nclass it(enum.Enum):\n    A = (1, 2)\n    B = (3, 4)\n    C = (1, 2)\n"
        "    def __init__(self, x, y):\n        self.sum = x + y\n"
        "    def twice(self):\n        return self.sum * 2\nmember = it.B",
        "assert it.B.sum == 7 and it.A.twice() == 6 and it.C is it.A and member is it.B "
        "and it((3, 4)) is it.B and list(it.__members__) == ['A', 'B', 'C']",
    ),
    "Flag and StrEnum": (
        "import enum\nclass F(enum.Flag):\n    R = 1\n    W = 2\nclass S(enum.StrEnum):\n"
        "    A = 'a'\n"
        "it = [F.R | F.W, S.A]",
        "assert F.R in it[0] and it[0] == F.R | F.W and it[1] is S.A and it[1] == 'a'",
    ),
    "dataclass": (
        "import dataclasses\n@dataclasses.dataclass(frozen=True, slots=True)\nclass D:\n"
        "    x: int\n"
        "    y: list = dataclasses.field(default_factory=list)\nit = D(1)",
        "import dataclasses; assert it == D(1) and dataclasses.replace(it, x=2).x == 2 "
        "and not hasattr(it, '__dict__')",
    ),
    "NamedTuple and TypedDict": (
        "import typing\nclass N(typing.NamedTuple):\n    a: int\n    b: int = 2\n"
        "class T(typing.TypedDict):\n    a: int\nit = (N(1), T(a=1))",
        "assert it[0].b == 2 and it[0]._replace(a=5) == N(5) and T.__annotations__ == {'a': int}",
    ),
    "Generic": (
        "import typing\nV = typing.TypeVar('V')\nclass it(typing.Generic[V]):\n    def f(self):\n"
        "        return 1",
        "assert it[int]().f() == 1 and it.__parameters__ == (V,)",
    ),
    "metaclass": (
        "class Meta(type):\n    def __call__(cls):\n        return [cls, super().__call__()]\n"
        "class it(metaclass=Meta): pass",
        "assert type(it) is Meta and it()[0] is it",
    ),
    "pydantic model": (
        "try:\n    import pydantic\nexcept ImportError:\n    it = None\nelse:\n"
        "    class Model(pydantic.BaseModel):\n        n: int\n        tags: list[str] = []\n"
        "    it = Model(n='3')",
        "if it is not None:\n    assert it.n == 3 and Model(n='4').n == 4 and type(it) is Model\n"
        "    try:\n        Model(n='x')\n    except pydantic.ValidationError: pass\n"
        "    else:\n        raise AssertionError",
    ),
    "lru_cache function": (
        "import functools\n@functools.lru_cache(maxsize=7)\ndef it(n):\n"
        "    return n if n < 2 else it(n - 1) + it(n - 2)\nit(9)",
        "assert it.cache_info().currsize == 0 and it.cache_info().maxsize == 7; "
        "assert it(30) == 832040",
    ),
    "singledispatch function": (
        "import functools\n@functools.singledispatch\ndef it(x):\n    return 'any'\n"
        "@it.register\ndef _int(x: int):\n    return 'int'",
        "assert it(1) == 'int' and it('') == 'any'",
    ),
    "partial": ("import functools; it = functools.partial(int, base=2)", "assert it('101') == 5"),
    "memoryview": (
        "data = bytearray(b'abcd'); it = memoryview(data)",
        "it[0] = 90; assert data == b'Zbcd' and isinstance(it, memoryview)",
    ),
    "exception": (
        "class Odd(Exception):\n    def __init__(self, a, b):\n"
        "        super().__init__(f'{a}-{b}')\n"
        "        self.a = a\ntry:\n    try:\n        1 / 0\n    except Exception as error:\n"
        "        raise Odd(1, 2) from error\nexcept Odd as error:\n    it = error",
        "assert it.a == 1 and str(it) == '1-2' and type(it.__cause__) is ZeroDivisionError "
        "and type(it) is Odd",
    ),
    "iterator": ("it = iter([1, 2, 3]); next(it)", "assert list(it) == [2, 3]"),
    "random state": (
        "import random; it = random.Random(5); first = random.Random(5).getstate()",
        "import random; assert it.random() == random.Random(5).random()",
    ),
    "path, pattern, date": (
        "import pathlib, re, datetime, decimal\n"
        "it = (pathlib.Path('a') / 'b', re.compile('x+'), datetime.date(2020, 2, 3),"
        " decimal.Decimal('1.10'))",
        "assert it[0].name == 'b' and it[1].match('xx') and it[2].year == 2020; "
        "assert str(it[3]) == '1.10'",
    ),
    "free Lock": (
        "import threading; it = threading.Lock()",
        "assert not it.locked() and it.acquire(timeout=1)",
    ),
    "free RLock": (
        "import threading; it = threading.RLock()",
        "assert it.acquire(timeout=1) and it.acquire(timeout=1)",
    ),
    "Condition, Event, Queue": (
        "import threading, queue\nit = (threading.Condition(), threading.Event(), queue.Queue(3))\n"
        "it[1].set(); it[2].put('x')",
        "with it[0]:\n    it[0].notify_all()\nassert it[1].wait(1) and it[2].get(timeout=1) == 'x' "
        "and it[2].maxsize == 3 and it[2].empty()",
    ),
    "fulfilled concurrent Future": (
        "import concurrent.futures; it = concurrent.futures.Future(); it.set_result(5)",
        "assert it.done() and it.result(timeout=1) == 5",
    ),
    "free asyncio.Lock": (
        "import asyncio; it = asyncio.Lock()",
        "import asyncio\nasync def use():\n    async with it:\n        return it.locked()\n"
        "assert asyncio.run(use()) and not it.locked()",
    ),
    "open file 'r'": (
        "open(FOLDER + '/read', 'w').write('one\\ntwo\\n'); it = open(FOLDER + '/read'); "
        "it.readline()",
        "assert it.readline() == 'two\\n' and it.mode == 'r' and it.fileno() > 2; it.seek(0); "
        "assert it.read() == 'one\\ntwo\\n'",
    ),
    "open file 'rb'": (
        "open(FOLDER + '/bytes', 'wb').write(b'a\\r\\nb'); it = open(FOLDER + '/bytes', 'rb'); "
        "it.read(2)",
        "assert it.read() == b'\\nb'",
    ),
    "sys.stdout": ("import sys; it = sys.stdout", "import sys; assert it is sys.stdout"),
    "os.environ": ("import os; it = os.environ", "import os; assert it is os.environ"),
    "globals()": ("it = [globals()]", "assert it[0] is globals()"),
    "plain logger": (
        "import logging; it = logging.getLogger('some.where')",
        "import logging; assert it is logging.getLogger('some.where')",
    ),
    "WeakValueDictionary": (
        "import weakref\nclass W: pass\nkept = W(); it = weakref.WeakValueDictionary({'k': kept})",
        "assert it['k'] is kept; del kept; import gc; gc.collect(); assert len(it) == 0",
    ),
    "ctypes number": ("import ctypes; it = ctypes.c_int(4)", "assert it.value == 4"),
    "StringIO": (
        "import io; it = io.StringIO('abc'); it.read(1)",
        "assert it.read() == 'bc'",
    ),
}
REPORTED: Final[dict[str, str]] = {
    "started generator": "it = (i for i in range(3)); next(it)",
    "coroutine": "async def co(): pass\nit = co()",
    "async generator": "async def ag():\n    yield 1\nit = ag()",
    "asyncio Task": (
        "import asyncio\nloop = asyncio.new_event_loop()\n"
        "async def t(): await asyncio.sleep(60)\nit = loop.create_task(t())"
    ),
    "asyncio Future": "import asyncio; it = asyncio.Future(loop=asyncio.new_event_loop())",
    "event loop": "import asyncio; it = asyncio.new_event_loop()",
    "held asyncio.Lock": (
        "import asyncio\nit = asyncio.Lock()\n"
        "asyncio.new_event_loop().run_until_complete(it.acquire())"
    ),
    "pending concurrent Future": "import concurrent.futures; it = concurrent.futures.Future()",
    "ThreadPoolExecutor": (
        "import concurrent.futures; it = concurrent.futures.ThreadPoolExecutor(1); it.submit(int)"
    ),
    "ProcessPoolExecutor": "import concurrent.futures; "
    "it = concurrent.futures.ProcessPoolExecutor(1)",
    "held Lock": "import threading; it = threading.Lock(); it.acquire()",
    "held RLock": "import threading; it = threading.RLock(); it.acquire()",
    "held Condition": "import threading; it = threading.Condition(); it.acquire()",
    "taken Semaphore": "import threading; it = threading.BoundedSemaphore(2); it.acquire()",
    "held lock, deep": (
        "import threading\nclass Deep: pass\nit = Deep(); it.a = [{'b': (threading.Lock(),)}]\n"
        "it.a[0]['b'][0].acquire()"
    ),
    "Thread": (
        "import threading\nstop = threading.Event()\n"
        "it = threading.Thread(target=stop.wait, daemon=True); it.start()"
    ),
    "thread-local": "import threading; it = threading.local(); it.x = 1",
    "Popen": "import subprocess; it = subprocess.Popen(['true']); it.wait()",
    "multiprocessing pipe": "import multiprocessing; it = multiprocessing.Pipe()",
    "shared memory": (
        "from multiprocessing import shared_memory\n"
        "it = shared_memory.SharedMemory(create=True, size=8); it.close(); it.unlink()"
    ),
    "socket": "import socket; it = socket.socketpair()",
    "selector": "import selectors; it = selectors.SelectSelector()",
    "sqlite3 connection": "import sqlite3; it = sqlite3.connect(':memory:')",
    "ContextVar": "import contextvars; it = contextvars.ContextVar('v'); it.set(1)",
    "weak reference": "import weakref\nclass R: pass\nr = R(); it = weakref.ref(r)",
    "weak proxy": "import weakref\nclass R: pass\nr = R(); it = weakref.proxy(r)",
    "part of a memoryview": "it = memoryview(b'abcdef')[2:4]",
    "open file 'w'": "it = open(FOLDER + '/written', 'w'); it.write('eleven byte'); it.flush()",
    "open file 'a'": "it = open(FOLDER + '/written', 'a')",
    "open file 'r+b'": (
        "open(FOLDER + '/both', 'w').write('eleven byte'); it = open(FOLDER + '/both', 'r+b')"
    ),
    "open file, changed since": "open(FOLDER + '/moved', 'w').write('x'); "
    "it = open(FOLDER + '/moved')",
    "open file with '\\r'": (
        "open(FOLDER + '/cr', 'wb').write(b'a\\r\\nb'); it = open(FOLDER + '/cr', newline='')"
    ),
    "temporary file": "import tempfile; it = tempfile.NamedTemporaryFile(mode='r')",
    "temporary folder": "import tempfile; it = tempfile.TemporaryDirectory()",
    "gzip file": "import gzip; it = gzip.open(FOLDER + '/z', 'wb')",
    "mmap": "import mmap; it = mmap.mmap(-1, 16)",
    "ctypes library": "import ctypes; it = ctypes.CDLL(None)",
    "ctypes pointer": "import ctypes; it = ctypes.pointer(ctypes.c_int(1))",
    "set-up logger": (
        "import logging; it = logging.getLogger('mine'); it.addHandler(logging.StreamHandler())"
    ),
    "traceback": "try:\n    1 / 0\nexcept Exception as error:\n    it = error.__traceback__",
    "frame": "import sys; it = sys._getframe()",
    "hash object": "import hashlib; it = hashlib.sha256(b'x')",
    "very deep list": "it = []\nfor _ in range(100_000):\n    it = [it]",
}
#: Where cells of different kinds would write to one name.
SAVE: Final = """
for kind, code in given["kinds"].items():
    before = set(ns)
    ns.update(FOLDER=given["folder"])
    cell(code)
    ns[given["names"][kind]] = ns.pop("it")
    if kind == "open file, changed since":
        answer["later"] = kind
answer.update(save(given["folder"] + "/ck"))
"""
USE: Final = """
result = load(given["folder"] + "/ck")
lost = {item["name"]: item for item in result["lost"]}
answer["outcome"] = outcome = {}
for kind, code in given["uses"].items():
    name = given["names"][kind]
    if name in lost:
        assert name not in ns and name not in result["restored"]
        outcome[kind] = "reported: " + lost[name]["reason"]
    elif name in ns:
        ns["it"] = ns[name]
        try:
            cell(code)
            outcome[kind] = "restored"
        except BaseException as error:
            outcome[kind] = f"LIE: {type(error).__name__}: {error}"
    else:
        outcome[kind] = "LIE: neither restored nor reported"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kinds")


@pytest.fixture(scope="module")
def outcome(folder: Path) -> dict[str, str]:
    """What became of each kind, in a process other than the one that made it."""
    made = {**{kind: made for kind, (made, _) in RESTORED.items()}, **REPORTED}
    names = {kind: f"kind_{number}" for number, kind in enumerate(made)}
    given = {"kinds": made, "names": names, "folder": str(folder)}
    run(SAVE, given=given)
    (folder / "moved").write_text("longer than before")
    used = {kind: use for kind, (_, use) in RESTORED.items()}
    uses = {kind: used.get(kind, "raise AssertionError('it is a lie')") for kind in made}
    found: dict[str, str] = run(USE, given={**given, "uses": uses})["outcome"]
    return found


@pytest.mark.parametrize("kind", RESTORED)
def test_restored_truly(kind: str, outcome: dict[str, str]) -> None:
    assert outcome[kind] == "restored"


@pytest.mark.parametrize("kind", REPORTED)
def test_reported_and_not_there(kind: str, outcome: dict[str, str]) -> None:
    assert outcome[kind].startswith("reported: ")
    assert outcome[kind] != "reported: "


def test_loading_leaves_files_as_they_are(folder: Path, outcome: dict[str, str]) -> None:
    assert len(outcome) >= 37
    assert (folder / "written").read_text() == "eleven byte"
    assert (folder / "both").read_text() == "eleven byte"
