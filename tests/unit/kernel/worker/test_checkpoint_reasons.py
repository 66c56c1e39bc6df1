"""Why a checkpoint leaves something out, in words: when it is saved, and when it is restored."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, Final

import pytest

from inspan.kernel.worker.checkpoint import save
from inspan.kernel.worker.checkpoint_file import unpack
from tests.fakes.checkpoint_process import KEY, run
from tests.unit.kernel.worker.test_checkpoint import BLOCKED

pytestmark = pytest.mark.requirement("D10")

#: What is made as ``it``, in a folder that ``FOLDER`` names, and why it is left out.
SAVING: Final[dict[str, tuple[str, str]]] = {
    "a lock that is more than a lock": (
        "import threading\nclass Counted(type(threading.RLock())): pass\nit = Counted()",
        "it is more than a lock",
    ),
    "a module that code has made": (
        "import sys, types; it = sys.modules['made'] = types.ModuleType('made')",
        "it was made in this process, and cannot be imported",
    ),
    "a view that was released": ("it = memoryview(b'x'); it.release()", "it was released"),
    "a pipe": ("import os; it = open(os.pipe()[0], 'rb')", "it is not a regular file"),
    "a pipe, as text": ("import os; it = open(os.pipe()[0])", "it is not a regular file"),
    "the text in an archive": (
        "import gzip\ngzip.open(FOLDER + '/z', 'wb').close()\nit = gzip.open(FOLDER + '/z', 'rt')",
        "it is not a regular file opened by its path",
    ),
    "a file whose path is another's": (
        "import os\nopen(FOLDER + '/one', 'w').close(); it = open(FOLDER + '/one', 'rb')\n"
        "os.remove(FOLDER + '/one'); open(FOLDER + '/one', 'w').close()",
        "its path names another file now",
    ),
    "a file that has no path any more": (
        "import os\nopen(FOLDER + '/two', 'w').close(); it = open(FOLDER + '/two', 'rb')\n"
        "os.remove(FOLDER + '/two')",
        "its path names another file now",
    ),
    "a file in the middle of a loop": (
        "open(FOLDER + '/lines', 'w').write('a\\nb\\n'); it = open(FOLDER + '/lines'); next(it)",
        "it is in the middle of a loop over its lines",
    ),
    "a file that is closed": (
        "open(FOLDER + '/shut', 'w').close(); it = open(FOLDER + '/shut'); it.close()",
        "it is closed",
    ),
    "a file that splits lines elsewhere": (
        "open(FOLDER + '/own', 'w').write('a\\nb\\n'); it = open(FOLDER + '/own', newline='\\r')",
        "how it splits lines cannot be known",
    ),
}
SAVE: Final = """
for number, code in enumerate(given["codes"]):
    ns["FOLDER"] = given["folder"]
    cell(code)
    ns[f"kind_{number}"] = ns.pop("it")
answer["lost"] = {one["name"]: one["reason"] for one in save(given["folder"] + "/ck")["lost"]}
"""


@pytest.fixture(scope="module")
def reasons(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    codes = [code for code, _ in SAVING.values()]
    given = {"codes": codes, "folder": str(tmp_path_factory.mktemp("reasons"))}
    lost = run(SAVE, given=given)["lost"]
    return {kind: lost.get(f"kind_{number}", "") for number, kind in enumerate(SAVING)}


@pytest.mark.parametrize("kind", SAVING)
def test_what_is_not_saved_has_its_reason(kind: str, reasons: dict[str, str]) -> None:
    assert SAVING[kind][1] in reasons[kind]


def _restored(folder: Path, cells: str, between: str = "") -> Any:
    """Save what these cells make, and load it in another process, ``between`` before."""
    given = {"cells": cells, "path": str(folder / "ck")}
    saved = run("cell(given['cells'])\nanswer.update(save(given['path']))", given=given)
    assert saved["lost"] == []
    after = "answer.update(load(given['path']))\nanswer['names'] = sorted(ns)"
    return run(f"{between}\n{after}", given=given)


def test_a_file_in_whose_place_is_something_else_is_lost(tmp_path: Path) -> None:
    path = str(tmp_path / "read")
    cells = f"open({path!r}, 'w').close()\nit = open({path!r})\nkept = 1"
    between = f"import os; os.remove({path!r}); os.mkfifo({path!r})"
    answer = _restored(tmp_path, cells, between)
    assert (answer["restored"], "it" in answer["names"]) == (["kept"], False)
    assert "is no regular file any more" in answer["lost"][0]["reason"]


def test_an_object_whose_class_makes_none_here_is_lost_with_what_holds_it(tmp_path: Path) -> None:
    cells = """
class Bound:
    def __new__(cls):
        import os
        if os.environ.get("MOVED"):
            raise RuntimeError("only where it was")
        return super().__new__(cls)
it = Bound()
holds = [it]
kept = 1"""
    answer = _restored(tmp_path, cells, "import os; os.environ['MOVED'] = '1'")
    assert (answer["restored"], {"it", "holds"} & {*answer["names"]}) == (["Bound", "kept"], set())
    lost = {one["name"]: one["reason"] for one in answer["lost"]}
    assert lost == dict.fromkeys(("it", "holds"), "only where it was")


def test_a_function_over_a_name_that_never_came_is_as_it_was(tmp_path: Path) -> None:
    cells = """
def make():
    def it():
        return later
    return it
    later = 1
it = make()"""
    use = """
try:
    it()
except NameError:
    raised = True"""
    assert _restored(tmp_path, cells)["lost"] == []
    code = f"load(given)\ncell({use!r})\nanswer['raised'] = ns['raised']"
    assert run(code, given=str(tmp_path / "ck"))["raised"] is True


@pytest.mark.parametrize("when", ["saved", "restored", "gone through"])
def test_an_interrupt_ends_it_and_changes_nothing(tmp_path: Path, when: str) -> None:
    cells = """
def interrupt(kind):
    import os
    if os.environ["WHEN"] == "restored":
        raise KeyboardInterrupt
    return object.__new__(kind)
class Odd:
    def __reduce__(self):
        import os
        if os.environ["WHEN"] in ("saved", "gone through"):
            raise KeyboardInterrupt
        return interrupt, (type(self),)
class Lost:
    def __setstate__(self, state):
        raise ValueError
odd = Odd()
lost = Lost()
lost.x = 1"""
    given = {"cells": cells, "path": str(tmp_path / "ck")}
    act = """
before = dict(ns)
os.environ["WHEN"] = {when!r}
try:
    {act}(given["path"])
except KeyboardInterrupt:
    answer["interrupted"] = True
answer["changed"] = ns != before
"""
    first = "import os\nos.environ['WHEN'] = 'never'\ncell(given['cells'])\nsave(given['path'])\n"
    if when == "saved":
        answer = run(first + act.format(when=when, act="save"), given=given)
    else:
        run(first, given=given)
        answer = run("import os" + act.format(when=when, act="load"), given=given)
    assert answer == {"interrupted": True, "changed": False}
    assert run("answer['names'] = load(given['path'])['restored']", given=given, WHEN="never")


def test_a_payload_is_read_by_nobody_else(tmp_path: Path) -> None:
    save({"a": 1}, "ck", KEY, folder=str(tmp_path))
    _, payload = unpack((tmp_path / "ck").read_bytes(), KEY)
    with pytest.raises(LookupError, match=r"read by load\(\) only"):
        pickle.loads(payload)


def test_parts_of_code_are_not_saved_without_cloudpickle(tmp_path: Path) -> None:
    cells = "p = property()\nc = (lambda x: lambda: x)(1).__closure__[0]\nd = (lambda: 1).__code__"
    code = f"{BLOCKED}\ncell(given['cells'])\nanswer.update(save(given['path']))"
    saved = run(code, given={"cells": cells, "path": str(tmp_path / "ck")})
    assert saved["saved"] == []
    assert [one["name"] for one in saved["lost"]] == ["p", "c", "d"]
    assert all("pip install" in one["reason"] for one in saved["lost"])


def test_a_cloudpickle_that_does_not_load_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "cloudpickle").mkdir()
    (tmp_path / "cloudpickle" / "__init__.py").write_text("raise SyntaxError('of another Python')")
    code = f"{BLOCKED}\ncell('n = 1\\ndef f(): pass')\nanswer.update(save(given))"
    given = {"INSPAN_KERNEL_CLOUDPICKLE": str(tmp_path)}
    saved = run(code, given=str(tmp_path / "ck"), **given)
    assert saved["saved"] == ["n"]
    assert "pip install" in saved["lost"][0]["reason"]
