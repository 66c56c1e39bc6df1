"""Spares where there is no room for one, and one that fails at what each session does first."""

import os
import sys

import pytest

from tests.fakes.checkpoint_process import run

pytestmark = [
    pytest.mark.requirement("D1"),
    pytest.mark.skipif(sys.platform != "linux", reason="there are forkers on Linux only"),
]

MAKE = """
import os, resource, select
from _inspan_kernel.worker import confine, spare
PLAN = confine.Plan(confine.kind(None, ()))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody with no other process")
@pytest.mark.parametrize("processes", [1, 2])
def test_where_there_is_no_room_for_one_there_is_none_and_nothing_is_left(processes: int) -> None:
    code = f"""{MAKE}
resource.setrlimit(resource.RLIMIT_NPROC, ({processes}, {processes}))
os.setresuid(54_321, 54_321, 54_321)
open_before = os.listdir("/proc/self/fd")
answer["made"] = spare.make(PLAN, lambda: None)
answer["left"] = len(os.listdir("/proc/self/fd")) - len(open_before)
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    answer["children"] = 0
"""
    assert run(code) == {"made": None, "left": 0, "children": 0}


def test_one_that_fails_as_it_makes_ready_ends_and_is_given_no_session() -> None:
    code = f"""{MAKE}
def rehearse():
    raise MemoryError
made = spare.make(PLAN, rehearse)
made.begin()
answer["ended"] = select.select([made._link], [], [], 30)[0] != [] and made._link.recv(1) == b""
answer["given"] = made.give(b"{{}}", [])
"""
    assert run(code) == {"ended": True, "given": False}


def test_what_sessions_may_see_is_looked_for_again_where_that_may_have_changed() -> None:
    code = """
import os, socket, tempfile
from _inspan_kernel.worker import confine, zygote
of, other = (confine.Kind(True, net, (), (), ()) for net in (False, True))
with tempfile.TemporaryDirectory() as folder:
    zygote.CHANGING = (folder,)
    one = zygote._Zygote(socket.socket(), [])
    first = one._planned(of)
    answer["kept"] = one._planned(of) is first
    answer["other"] = one._planned(other).kind == other
    second = one._planned(of)
    os.utime(folder, ns=(1, 1))
    third = one._planned(of)
    answer["anew"] = len({*map(id, (first, second, third))})
    answer["ours"] = f"/proc/{os.getpid()}" in third.grants
"""
    assert run(code) == {"kept": True, "other": True, "anew": 3, "ours": False}
