"""Await wherever Python's own tests of top-level await have it, and everywhere else it may stand.

What may be awaited at the top of a module when Python compiles it for a REPL may be in a cell; what
Python refuses there is a SyntaxError of the cell, and the session goes on.
"""

import textwrap
from collections.abc import Iterator

import pytest

from inspan.kernel.protocol import ExecutionMode
from tests.real.kernel import Worker

pytestmark = pytest.mark.requirement("D3", "D4")

PREPARE = """
import asyncio, contextlib, contextvars, functools, threading
async def up_to(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i
async def give(value):
    await asyncio.sleep(0)
    return value
@contextlib.asynccontextmanager
async def opened(value):
    await asyncio.sleep(0)
    yield value
    await asyncio.sleep(0)
async def fail():
    await asyncio.sleep(0)
    raise ValueError('failed')
class Later:
    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return 5
"""
#: Statements that bind ``it``, and what it is then.
AWAITS: dict[str, tuple[str, object]] = {
    # As a statement, and as a part of one.
    "an assignment": ("it = await asyncio.sleep(0, result=1)", 1),
    "an assignment to several": ("it, *_ = await give((2, 3))", 2),
    "an assignment by parts": ("d = {}\nd[await give('k')] = await give(3)\nit = d['k']", 3),
    "an assignment in place": ("it = 1\nit += await give(2)", 3),
    "an annotated assignment": ("it: int = await give(4)", 4),
    "an expression in parentheses": ("(it := await give(5))", 5),
    "an awaitable object": ("it = await Later()", 5),
    "an await of an await": ("async def f(): return give(6)\nit = await (await f())", 6),
    "an await in arguments": ("it = max(await give(1), *await give((7, 2)))", 7),
    "keywords": ("it = dict(**await give({'a': 8}))['a']", 8),
    "a comparison of three": ("it = await give(1) < await give(2) < await give(3)", True),
    "and, or": ("it = await give(0) or await give(9) and await give(10)", 10),
    "what is not come to": ("it = 1 if True else await fail()", 1),
    "a subscript": ("it = 'abc'[await give(0) : await give(2)]", "ab"),
    "an attribute": ("it = (await give('abc')).upper()", "ABC"),
    "an f-string": ("it = f'{await give(1)}-{await give(2)!r:>{await give(3)}}'", "1-  2"),
    "an assertion": ("assert await give(True), await fail()\nit = 1", 1),
    "a deletion": ("d = [1, 2]\ndel d[await give(0)]\nit = d[0]", 2),
    "a raise": (
        "try: raise await give(ValueError('said'))\nexcept ValueError as e: it = str(e)",
        "said",
    ),
    # Around blocks.
    "if": ("if await give(True): it = await give(1)\nelse: it = 2", 1),
    "elif": ("if await give(0): it = 1\nelif await give(1): it = 2", 2),
    "while": ("it = 0\nwhile await give(it < 3): it += 1\nelse: it += await give(10)", 13),
    "for": ("it = 0\nfor x in await give([1, 2]):\n    it += x + await give(1)", 5),
    "with": ("with await give(contextlib.nullcontext(3)) as it: await give(1)", 3),
    "match": (
        "match await give((1, 2)):\n    case (1, x) if await give(x == 2): it = await give(x)",
        2,
    ),
    "try, except, else, finally": (
        "it = ''\n"
        "try: await fail()\nexcept ValueError: it += await give('a')\n"
        "else: it += 'wrong'\nfinally: it += await give('b')",
        "ab",
    ),
    "except*": (
        "try:\n    async with asyncio.TaskGroup() as g:\n        g.create_task(fail())\n"
        "except* ValueError as e: it = len(e.exceptions) + await give(0)",
        1,
    ),
    "import": ("import math as m\nit = await give(m.floor(1.5))", 1),
    "several in a line": ("x = await give(1); it = await give(x + 1); del x", 2),
    # Async statements.
    "async for": ("async for x in up_to(3): it = x", 2),
    "async for with break": ("async for it in up_to(3):\n    if it: break\nelse: it = 9", 1),
    "async for with else": ("async for x in up_to(3): await give(x)\nelse: it = x", 2),
    "async for in async for": (
        "it = 0\nasync for x in up_to(3):\n    async for y in up_to(x): it += 1",
        3,
    ),
    "async for of what was awaited": ("async for it in await give(up_to(2)): pass", 1),
    "async with": ("async with asyncio.Lock() as lock:\n    it = lock", None),
    "async with a value": ("async with opened(4) as it: pass", 4),
    "async with several": (
        "async with (opened(1) as x, opened(await give(x + 1)) as y): it = x + y",
        3,
    ),
    "async with that swallows": (
        "class S:\n    async def __aenter__(self): return 7\n"
        "    async def __aexit__(self, *e): return await give(True)\n"
        "async with S() as it: await fail()",
        7,
    ),
    "a task group": (
        "async with asyncio.TaskGroup() as g: t = [g.create_task(give(i)) for i in range(3)]\n"
        "it = sum(x.result() for x in t)",
        3,
    ),
    "a timeout": (
        "try:\n    async with asyncio.timeout(0.001): await asyncio.sleep(60)\n"
        "except TimeoutError: it = 'late'",
        "late",
    ),
    "with and async with": (
        "with contextlib.suppress(ValueError):\n    it = 1\n    await fail()",
        1,
    ),
    # Comprehensions and generators.
    "a list": ("it = [x async for x in up_to(2)][1]", 1),
    "a set": ("it = 1 in {x async for x in up_to(2)}", True),
    "a dict": ("it = {x: await give('v') async for x in up_to(1)}[0]", "v"),
    "two loops": ("it = [x + y async for x in up_to(2) async for y in up_to(2)][-1]", 2),
    "a loop of either kind": ("it = [x + y for x in range(2) async for y in up_to(2)][-1]", 2),
    "awaits in a sync one": ("it = [await give(x) for x in range(3)][2]", 2),
    "an awaited first iterable": ("it = [x for x in await give([1, 2])][1]", 2),
    "an awaited later iterable": ("it = [y for x in [1] for y in await give([x, 5])][1]", 5),
    "an awaited condition": ("it = [x for x in range(4) if await give(x > 2)][0]", 3),
    "an async condition": ("it = [x async for x in up_to(4) if await give(x > 2)][0]", 3),
    "a set in a list": ("it, = [1 for x in {x async for x in up_to(1)}]", 1),
    "one in another": ("it = [[y async for y in up_to(x)] for x in range(3)][2][1]", 1),
    "an async generator": ("it = [x async for x in (x async for x in up_to(5))][1]", 1),
    "a generator over awaits": ("it = [x async for x in (await give(y) for y in [1, 2])][1]", 2),
    "a generator of an awaited": ("it = sum(x for x in await give([1, 2]))", 3),
    "a walrus in one": ("[(it := x) async for x in up_to(3)]", 2),
    "anext": ("a = aiter(up_to(3))\nawait anext(a)\nit = await anext(a)\nawait a.aclose()", 1),
    "anext with a default": ("it = await anext(aiter(up_to(0)), 'none')", "none"),
    # What of a function is evaluated where it stands.
    "a default": ("def f(x=await give(4)): return x\nit = f()", 4),
    "a default by keyword": ("def f(*, x=await give(5)): return x\nit = f()", 5),
    "a default of a lambda": ("it = (lambda x=await give(6): x)()", 6),
    "a default of an async function": (
        "async def f(x=await give(7)): return x\nit = await f()",
        7,
    ),
    "a decorator": ("@(await give(lambda f: f()))\ndef it(): return 8", 8),
    "a decorator of a class": ("@(await give(lambda c: c.__name__))\nclass it: pass", "it"),
    "a base of a class": ("class C(await give(int)): pass\nit = C(9) + 0", 9),
    "a keyword of a class": ("class C(metaclass=await give(type)): n = 10\nit = C.n", 10),
    # With functions and tasks of the cell.
    "a function of the cell": ("async def f(x): return await give(x) + 1\nit = await f(1)", 2),
    "a function that is not awaited": ("def f(): return give(3)\nit = await f()", 3),
    "a nested function": (
        "def outer():\n    async def inner(): return await give(4)\n    return inner\n"
        "it = await outer()()",
        4,
    ),
    "a method": ("class C:\n    async def m(self): return await give(5)\nit = await C().m()", 5),
    "a task": ("t = asyncio.create_task(give(6))\nit = await t", 6),
    "a gather": ("it = sum(await asyncio.gather(*(give(i) for i in range(4))))", 6),
    "a thread": ("it = await asyncio.to_thread(max, 1, 2)", 2),
    "a thread that asks the loop": (
        "loop = asyncio.get_running_loop()\n"
        "ask = lambda: asyncio.run_coroutine_threadsafe(give(7), loop).result(30)\n"
        "it = await asyncio.to_thread(ask)",
        7,
    ),
    "a future that a thread ends": (
        "loop = asyncio.get_running_loop(); future = loop.create_future()\n"
        "threading.Timer(0, loop.call_soon_threadsafe, (future.set_result, 8)).start()\n"
        "it = await future",
        8,
    ),
    "a global of a function": (
        "async def f():\n    global it\n    it = await give(9)\nawait f()",
        9,
    ),
    "a class of the cell": ("n = await give(10)\nclass C: m = n\nit = C.m", 10),
}
#: Blocks in which statements may stand; what they bind is bound all the same.
BLOCKS = (
    "if True:",
    "for _ in [0]:",
    "async for _ in up_to(1):",
    "with contextlib.nullcontext():",
    "async with opened(1):",
    "try:\n    raise KeyError\nexcept KeyError:",
)
#: Await where Python does not have it: in a function that is not async, in a class, in a lambda.
REFUSED = (
    "def f(): await give(1)",
    "def f(): [x async for x in up_to(10)]",
    "def f(): [await x async for x in up_to(10)]",
    "def f():\n    async for i in up_to(1): a = 1",
    "def f():\n    async with asyncio.Lock() as l: a = 1",
    "async def f():\n    def g(): await give(1)",
    "lambda: await give(1)",
    "class C: x = await give(1)",
    "await",
    "await give(1) = 2",
    "def f(): return [await give(x) for x in y]",
    "async def f():\n    yield 1\n    return 2",
    "async def f():\n    yield from []",
    "yield 1",
    "return await give(1)",
    "for await in []: pass",
    "import async",
)
#: Cells that could seem to await and do not: they run where an interrupt reaches them.
NOT_AWAITING = (
    "def f(): pass",
    "[x for x in range(3)]",
    "{x for x in range(3)}",
    "(x for x in range(3))",
    "{x: x for x in range(3)}",
    "'await'",
    "(x async for x in up_to(3)) and 1",
    "(await give(x) for x in range(3)) and 1",
    "f = lambda: (x async for x in up_to(3))",
)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with Worker.start(tmp_path_factory.mktemp("worker")) as worker:
        worker.run(PREPARE)
        yield worker


@pytest.mark.parametrize("kind", AWAITS)
def test_a_cell_may_await(worker: Worker, kind: str) -> None:
    code, value = AWAITS[kind]
    cell = worker.run(f"it = None\n{code}\nit")
    assert (cell.started.mode, cell.result.value) == (ExecutionMode.TOP_LEVEL_AWAIT, value)
    assert cell.stderr == ""


@pytest.mark.parametrize("kind", AWAITS)
def test_it_may_in_blocks_and_between_what_does_not(worker: Worker, kind: str) -> None:
    code, value = AWAITS[kind]
    for block in BLOCKS:
        inner = textwrap.indent(f"seen.append(1)\n{code}\nseen.append(2)", "    ")
        cell = worker.run(f"it, seen = None, [0]\n{block}\n{inner}\nseen.append(3)\nit")
        assert cell.result.value == value
        assert worker.run("seen").result.repr == "[0, 1, 2, 3]"


@pytest.mark.parametrize("code", REFUSED)
def test_what_python_refuses_is_a_syntax_error_of_its_cell(worker: Worker, code: str) -> None:
    error = worker.run(f"it = 'not run'\n{code}").error
    assert error.name == "SyntaxError"
    assert error.traceback[-1].startswith("SyntaxError: ")
    assert worker.run("await give(1)").result.value == 1


@pytest.mark.parametrize("code", NOT_AWAITING)
def test_what_awaits_nothing_is_no_task(worker: Worker, code: str) -> None:
    cell = worker.run(f"here = threading.current_thread()\n{code}")
    assert cell.started.mode is ExecutionMode.SIMPLE_SYNC
    assert cell.result


def test_a_last_expression_is_awaited_and_told(worker: Worker) -> None:
    assert worker.run("await give('told')").result.repr == "'told'"
    assert worker.run("_ == await give('told')").result.value is True
    assert worker.run("await give(None)").result.repr is None
    assert worker.run("1; await give(2); 3").result.value == 3


def test_a_coroutine_that_nobody_awaits_is_a_value(worker: Worker) -> None:
    cell = worker.run("give(11)")
    assert cell.started.mode is ExecutionMode.SIMPLE_SYNC
    assert cell.result.repr is not None
    assert cell.result.repr.startswith("<coroutine object give")
    assert worker.run("await _").result.value == 11


def test_a_failure_is_told_with_the_line_that_awaits(worker: Worker) -> None:
    error = worker.run("x = 1\nawait fail()").error
    assert (error.name, error.message) == ("ValueError", "failed")
    lines = [line for line in error.traceback if "File" in line]
    assert "line 2, in <module>" in lines[0]
    assert "in fail" in lines[1]
    assert len(lines) == 2


def test_what_cannot_be_awaited_is_a_type_error(worker: Worker) -> None:
    for code in ("await 1", "async for x in [1]: pass", "async with 1: pass", "await give"):
        assert worker.run(code).error.name == "TypeError", code
    assert worker.run("list(x async for x in up_to(3))").error.name == "TypeError"


def test_all_cells_share_one_loop_one_context_and_one_thread(worker: Worker) -> None:
    worker.run("loop = asyncio.get_running_loop(); var = contextvars.ContextVar('var')")
    worker.run("await give(0); var.set(await give(12)); thread = threading.current_thread()")
    same = "(asyncio.get_running_loop() is loop, var.get(), threading.current_thread() is thread)"
    told = repr((True, 12, True))
    assert worker.run(same).result.repr == told
    assert worker.run(f"await give({same})").result.repr == told


def test_what_one_cell_began_another_awaits(worker: Worker) -> None:
    worker.run("event = asyncio.Event(); queue = asyncio.Queue(); waiter = queue.get()")
    worker.run("async def f():\n    await event.wait()\n    return await waiter")
    worker.run("task = asyncio.create_task(f())")
    worker.run("event.set(); queue.put_nowait('through')")
    assert worker.run("await task").result.value == "through"
    worker.run("halfway = up_to(5); await anext(halfway)")
    assert worker.run("[x async for x in halfway][0]").result.value == 1


def test_a_cell_may_leave_by_exit_while_it_awaits(worker: Worker) -> None:
    error = worker.run("await give(1)\nexit(3)").error
    assert (error.name, error.status) == ("SystemExit", 3)
    assert worker.run("await give(2)").result.value == 2
