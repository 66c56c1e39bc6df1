"""A namespace saved in one process and merged into another's: what stays shared, what stays put."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from tests.fakes.checkpoint_process import run

pytestmark = pytest.mark.requirement("D10")

#: As where nobody installed cloudpickle, in the session's Python.
BLOCKED = """
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "cloudpickle":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocker())
"""


def _save(folder: Path, cells: str, *options: str, before: str = "", **environment: str) -> dict:  # type: ignore[type-arg]
    found: dict = run(  # type: ignore[type-arg]
        f"{before}\ncell(given['cells'])\nanswer.update(save(given['path']))",
        *options,
        given={"cells": cells, "path": str(folder / "ck")},
        **environment,
    )
    return found


def _load(folder: Path, use: str, *options: str, before: str = "", **environment: str) -> dict:  # type: ignore[type-arg]
    code = f"{before}\nanswer['result'] = load(given['path'])\ncell(given['use'])"
    given = {"use": use, "path": str(folder / "ck")}
    found: dict = run(code, *options, given=given, **environment)["result"]  # type: ignore[type-arg]
    return found


def _lost(answer: dict) -> set[str]:  # type: ignore[type-arg]
    return {item["name"] for item in answer["lost"]}


def test_objects_shared_between_names_stay_shared(tmp_path: Path) -> None:
    _save(
        tmp_path,
        "import threading\nclass C: pass\na = [1]; b = {'a': a, 'c': C()}; c = b['c']\n"
        "lock = threading.Lock(); d = (lock, a)\ndef f(): return a\nc.f = f",
    )
    _load(
        tmp_path,
        "assert b['a'] is a and b['c'] is c and d == (lock, a) and d[0] is lock and d[1] is a\n"
        "assert f() is a and c.f is f and type(c) is C",
    )


def test_functions_see_the_namespace_they_are_restored_into(tmp_path: Path) -> None:
    _save(tmp_path, "n = 1\ndef get(): return n\ndef put(x):\n    global n\n    n = x")
    before = "cell('other = 5; n = 7')"
    _load(
        tmp_path,
        "assert get() == 1 and get.__globals__ is globals() and other == 5\n"
        "put(9); assert n == 9 and get() == 9\nother_get = lambda: other\nn = 3; assert get() == 3",
        before=before,
    )


def test_a_hundred_bad_names_lose_no_other_and_leave_no_reference_behind(tmp_path: Path) -> None:
    cells = (
        "shared = [0]\nfor i in range(100):\n"
        "    good = ['good', i, shared]\n"
        "    globals()[f'bad_{i}'] = [good, [shared], (j for j in ())]\n"
        "    globals()[f'good_{i}'] = good\n"
        "del i, good"
    )
    saved = _save(tmp_path, cells)
    assert _lost(saved) == {f"bad_{i}" for i in range(100)}
    use = (
        "for i in range(100):\n    assert globals()[f'good_{i}'] == ['good', i, [0]]\n"
        "    assert globals()[f'good_{i}'][2] is shared"
    )
    assert len(_load(tmp_path, use)["restored"]) == 101


def test_what_failed_is_named_with_kind_and_reason(tmp_path: Path) -> None:
    saved = _save(
        tmp_path,
        "import threading\nclass Box: pass\nbox = Box(); box.inner = [threading.Lock()]\n"
        "box.inner[0].acquire()\nclass Sour:\n    def __reduce__(self):\n"
        "        raise RuntimeError('sour today')\nsour = Sour()\n"
        "class Gone:\n    def __reduce__(self):\n        raise SystemExit\ngone = Gone()",
    )
    assert saved["lost"] == [
        {
            "name": "box",
            "kind": "__main__.Box",
            "reason": "it holds a _thread.lock: it is held",
        },
        {"name": "sour", "kind": "__main__.Sour", "reason": "sour today"},
        {"name": "gone", "kind": "__main__.Gone", "reason": "SystemExit"},
    ]


def test_the_names_of_the_session_are_neither_saved_nor_replaced(tmp_path: Path) -> None:
    cells = "_ = 1; In = ['x']; Out = {1: 2}; _exit_code = 3; __doc__ = 'theirs'; kept = 4"
    assert _save(tmp_path, cells)["saved"] == ["kept"]
    use = "assert _ == 'mine' and Out == {} and kept == 4 and __name__ == '__main__'"
    _load(tmp_path, use, before="ns.update(_='mine', Out={})")


def test_parts_of_the_session_are_not_saved(tmp_path: Path) -> None:
    before = (
        "class Host:\n    def ask(self): pass\n"
        "Host.__module__ = '_inspan_kernel.worker.ask'\nns['host'] = Host()\n"
        "ns['ask'] = ns['host'].ask"
    )
    saved = _save(tmp_path, "deep = [host]; mine = 1", before=before)
    assert saved["saved"] == ["mine"]
    assert _lost(saved) == {"deep"}


def test_what_cannot_be_made_again_is_reported_wherever_it_is_reached(tmp_path: Path) -> None:
    module = tmp_path / "passing_module.py"
    module.write_text("class Thing:\n    pass\ndef helper():\n    return 1\n")
    path = f"sys.path.insert(0, {str(tmp_path)!r})"
    saved = _save(
        tmp_path,
        "import passing_module\nfrom passing_module import Thing, helper\n"
        "thing = Thing()\nholder = {'deep': [thing]}\nclass Child(Thing): pass\nchild = Child()\n"
        "class Frail:\n    def __init__(self): self.x = [1]\n"
        "    def __setstate__(self, state): raise ValueError('frail')\n"
        "frail = Frail()\nwith_frail = (1, frail)\nshared = frail.x\nplain = [1]\n"
        "def f(): return helper()\n",
        before=path,
    )
    assert saved["lost"] == []
    module.unlink()
    result = _load(tmp_path, "assert plain == [1] and shared == [1] and callable(f)")
    assert _lost(result) == {
        *("passing_module", "Thing", "helper", "thing", "holder", "Child", "child"),
        *("frail", "with_frail"),
    }
    reasons = {item["name"]: item["reason"] for item in result["lost"]}
    assert reasons["with_frail"] == "frail"
    assert "passing_module" in reasons["holder"]
    assert set(result["restored"]) == {"Frail", "shared", "plain", "f"}


def test_a_class_that_lives_here_already_is_left_alone(tmp_path: Path) -> None:
    code = (
        "cell('class C:\\n    n = 1\\nold = C(); keep = C')\nsave(given)\n"
        "cell('C.n = 2')\nload(given)\n"
        "cell('assert keep.n == 1 and old.n == 1 and C.n == 1 and keep is C')\n"
        "cell('class C:\\n    n = 3')\n"
        "live = ns['live'] = ns.pop('keep'); live.n = 9\nsave(given + '2'); live.n = 10\n"
        "load(given + '2'); assert live.n == 10 and ns['live'].n == 9\n"
    )
    run(code, given=str(tmp_path / "ck"))


def test_a_name_over_the_bound_is_lost_and_the_others_are_not(tmp_path: Path) -> None:
    code = (
        "cell('a = 1; big = bytes(200_000); b = 2')\nanswer.update(save(given, most=100_000))\n"
        "ns.clear(); load(given); assert ns == {'a': 1, 'b': 2}"
    )
    answer = run(code, given=str(tmp_path / "ck"))
    assert answer["saved"] == ["a", "b"]
    assert answer["lost"][0]["reason"] == "the checkpoint would be larger than its bound"


@pytest.mark.parametrize("options", [(), ("-I", "-S")])
def test_without_cloudpickle_plain_data_is_kept_and_the_rest_has_a_remedy(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    saved = _save(
        tmp_path,
        "import json, datetime, enum\na = [1, {'b': 2}]; b = (a, datetime.date(2020, 1, 1))\n"
        "g = json.dumps\nT = dict\ndef f(): pass\nclass C: pass\nc = C()\nclass E(enum.Enum):\n"
        "    A = 1\ne = E.A\nn = None, ..., int",
        *options,
        before=BLOCKED,
    )
    assert _lost(saved) == {"f", "C", "c", "E", "e"}
    assert all("cloudpickle" in item["reason"] for item in saved["lost"])
    use = "assert b[0] is a and b[1].year == 2020 and g([]) == '[]' and json.loads('1') == 1"
    _load(tmp_path, use, *options, before=BLOCKED)


def test_cloudpickle_may_be_handed_over_and_stays_out_of_the_sessions_imports(
    tmp_path: Path,
) -> None:
    found = importlib.util.find_spec("cloudpickle")
    assert found is not None
    assert found.origin is not None
    given = {"INSPAN_KERNEL_CLOUDPICKLE": str(Path(found.origin).parents[1])}
    saved = _save(
        tmp_path, "def f(): return 5\nclass C: pass\nc = C()", "-S", before=BLOCKED, **given
    )
    assert saved["lost"] == []
    use = (
        "assert f() == 5 and type(c) is C\ntry:\n    import cloudpickle\nexcept ImportError: pass\n"
        "else:\n    raise AssertionError"
    )
    _load(tmp_path, use, "-S", before=BLOCKED, **given)
    # And where it is installed after all, under its own name.
    _load(tmp_path, "assert f() == 5 and type(c) is C")
    without = _load(tmp_path, "", before=BLOCKED)
    assert _lost(without) == {"f", "C", "c"}
    assert all("pip install" in item["reason"] for item in without["lost"])


def test_an_older_cloudpickle_is_as_good_as_none(tmp_path: Path) -> None:
    old = (
        "import sys, types\n"
        "for name in ('cloudpickle', 'cloudpickle.cloudpickle'):\n"
        "    sys.modules[name] = types.ModuleType(name)\n"
        "sys.modules[name]._make_skeleton_class = sys.modules[name].CloudPickler = None\n"
    )
    found = importlib.util.find_spec("cloudpickle")
    assert found is not None
    assert found.origin is not None
    given = {"INSPAN_KERNEL_CLOUDPICKLE": str(Path(found.origin).parents[1])}
    assert _save(tmp_path, "def f(): return 5", before=old, **given)["lost"] == []
    assert _lost(_save(tmp_path, "def f(): return 5", before=old)) == {"f"}


def test_importing_the_module_imports_no_third_party() -> None:
    code = "answer['found'] = [n for n in sys.modules if 'cloudpickle' in n]"
    assert run(code, python=sys.executable)["found"] == []
