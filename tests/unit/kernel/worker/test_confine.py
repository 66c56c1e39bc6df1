"""Confinement where the kernel offers less, where folders are shut, and what is said beneath."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from inspan.kernel.host import board, confinement, output
from inspan.kernel.host.confinement import Confinement
from inspan.kernel.protocol import Confined
from inspan.kernel.worker import boot, landlock, syscalls
from inspan.model.code import CodeLimits, Grants, Sandbox
from tests.fakes.checkpoint_process import run
from tests.real.kernel import Worker
from tests.real.lesserkernel import PRCTL, Refused, refusing

pytestmark = [
    pytest.mark.requirement("D1"),
    pytest.mark.skipif(not landlock.abi(), reason="this kernel cannot confine"),
]

SECRET = "do not read this"
WANTED = Confinement()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "private" / "secret"
    path.parent.mkdir()
    path.write_text(SECRET)
    return path


@contextmanager
def confined(
    folder: Path, *, wanted: Confinement = WANTED, python: str = sys.executable
) -> Iterator[tuple[Worker, Confined]]:
    """A worker in ``project``, and what it says of its confinement."""
    session, project, base = folder / "session", folder / "project", folder / "base"
    for one in (session, project, base):
        one.mkdir(mode=0o700, exist_ok=True)
    for part in (output, board, confinement):
        part.prepare(session)
    told = wanted.checked().environment(session, project, base)
    with Worker.start(folder, python=python, env={**told}) as worker:
        worker.host.close()
        ready = worker.connect()
        assert ready.confined is not None
        worker.run(f"import os; os.chdir({str(project)!r})", silent=True)
        yield worker, ready.confined


def said(worker: Worker, code: str) -> str:
    return "\n".join(worker.run(code).error.traceback[-2:])


def test_without_landlock_the_view_alone_keeps_what_is_not_granted(
    tmp_path: Path, secret: Path
) -> None:
    older = refusing(tmp_path, Refused(syscalls.LANDLOCK_CREATE_RULESET, errno.ENOSYS))
    with confined(tmp_path, python=older) as (worker, how):
        assert not [name for name in how.by if name.startswith("Landlock")]
        assert {"mount namespace", "network namespace", "seccomp"} <= {*how.by}
        assert [words.split(" ")[2] for words in how.open] == ["see", "send"]
        assert worker.run(f"open({str(secret)!r})").error.name == "PermissionError"
        assert worker.run("open(os.path.expanduser('~/own'), 'w').write('1')").result.value == 1


def test_a_view_that_cannot_be_made_leaves_landlock_to_do_it(tmp_path: Path, secret: Path) -> None:
    older = refusing(tmp_path, Refused(syscalls.OPEN_TREE, errno.EPERM))
    with confined(tmp_path, python=older) as (worker, how):
        assert "mount namespace" not in how.by
        assert [name for name in how.by if name.startswith("Landlock")]
        assert "it can change modes, owners and times of this user's files" in how.open
        assert worker.run(f"open({str(secret)!r})").error.name == "PermissionError"
        assert worker.run("open(os.path.expanduser('~/own'), 'w').write('1')").result.value == 1


@pytest.mark.skipif(PRCTL < 0, reason="the number of prctl is not known here")
def test_without_a_filter_of_calls_the_rest_stands(tmp_path: Path, secret: Path) -> None:
    plain = refusing(tmp_path, Refused(PRCTL, errno.EINVAL, syscalls.SET_SECCOMP))
    with confined(tmp_path, python=plain) as (worker, how):
        assert "seccomp" not in how.by
        assert {"mount namespace", "network namespace"} <= {*how.by}
        assert worker.run(f"open({str(secret)!r})").error.name == "PermissionError"


def test_a_kernel_that_offers_nothing_confines_nothing_and_says_so(
    tmp_path: Path, secret: Path
) -> None:
    none = refusing(
        tmp_path,
        Refused(syscalls.LANDLOCK_CREATE_RULESET, errno.ENOSYS),
        Refused(syscalls.MOUNT_SETATTR, errno.ENOSYS),
    )
    with confined(tmp_path, python=none) as (worker, how):
        assert how == Confined(open=("this system offers no way to confine it",))
        assert worker.run(f"open({str(secret)!r}).read()").result.value == SECRET


@pytest.mark.skipif(not shutil.which("unshare"), reason="no unshare(1)")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_above_that_cannot_be_listed_is_gone_through_all_the_same(tmp_path: Path) -> None:
    inner = tmp_path / "shut" / "inner"
    inner.mkdir(parents=True)
    (inner / "data").write_text("rows")
    # Of another user, as many have all homes in one.
    os.chown(inner.parent, 4321, 4321)
    inner.parent.chmod(0o711)
    words = (shutil.which("unshare"), "-U", "--map-user=1234", "--map-group=1234", sys.executable)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {" ".join(map(str, words))} "$@"\n')
    python.chmod(0o700)
    wanted = replace(WANTED, grants=Grants(read=(str(inner),)))
    with confined(tmp_path, wanted=wanted, python=str(python)) as (worker, how):
        assert "mount namespace" in how.by
        assert worker.run(f"open({str(inner / 'data')!r}).read()").result.value == "rows"
        assert worker.run(f"os.listdir({str(inner.parent)!r})").error.name == "PermissionError"


def test_nobody_goes_on_in_a_user_namespace_without_a_user() -> None:
    code = """
import os
from _inspan_kernel.worker import syscalls, view
user, group = os.geteuid(), os.getegid()
syscalls.unshare(view._NEW_USER | view._NEW_MOUNTS)
for name, text in ("setgroups", "deny"), ("uid_map", f"9 {user} 1"), ("gid_map", f"9 {group} 1"):
    with open(f"/proc/self/{name}", "w") as file:
        file.write(text)
syscalls.mount("none", "/", None, view._PRIVATE)
syscalls.mount("none", "/proc", "tmpfs", 0)
syscalls.drop_capabilities()
try:
    view.enter_namespaces(network=True)
except RuntimeError as error:
    answer["said"] = str(error)
"""
    assert run(code)["said"].startswith("a user namespace without a user: [Errno 2]")


def test_to_be_confined_loads_nothing_more() -> None:
    code = """
before = {*sys.modules}
grants = confine._of_every_session(confine.Kind(True, False, (), (), ()), confine.Paths())
confine.view.enter_namespaces(network=True)
confine.landlock.Rules(confine.landlock.abi(), tcp=False).allow(grants)
confine.seccomp.program(internet=True, unix=True)
print(sorted({*sys.modules} - before))
"""
    words = boot.BOOT.replace(
        "main(sys.argv[1:])", f"from _inspan_kernel.worker import confine{code}"
    )
    command = [sys.executable, "-I", "-c", words, str(Path(boot.__file__).parents[1])]
    assert subprocess.check_output(command, text=True) == "[]\n"


def test_a_path_that_is_gone_is_granted_to_nobody(tmp_path: Path) -> None:
    code = """
import os
from _inspan_kernel.worker import landlock, syscalls
gone = given + "/gone"
rules = landlock.Rules(landlock.abi(), tcp=True)
rules.allow({gone: "read", given + "/kept": "write"})
os.mkdir(gone)
syscalls.control(syscalls.NO_NEW_PRIVILEGES, 1)
rules.enforce()
try:
    os.listdir(gone)
except PermissionError:
    answer["refused"] = os.listdir(given + "/kept")
"""
    (tmp_path / "kept" / "inner").mkdir(parents=True)
    assert run(code, given=str(tmp_path))["refused"] == ["inner"]


# ── what is said beneath an error ────────────────────────────────────────────


def test_where_the_working_directory_is_gone_a_grant_is_named_all_the_same(
    tmp_path: Path, secret: Path
) -> None:
    with confined(tmp_path) as (worker, _):
        gone = "at = os.path.expanduser('~/gone'); os.mkdir(at); os.chdir(at); os.rmdir(at)"
        worker.run(gone)
        words = f"This session may not read {secret}: `read=[{str(secret)!r}]` grants it."
        assert said(worker, f"open({str(secret)!r})").endswith(words)


def test_an_error_that_takes_no_note_is_told_without(tmp_path: Path) -> None:
    limits = CodeLimits(memory=1 << 30)
    wanted = replace(WANTED, grants=Grants(sandbox=Sandbox.OFF), limits=limits)
    with confined(tmp_path, wanted=wanted) as (worker, _):
        assert "its memory is limited" in said(worker, "raise MemoryError")
        sour = "class Sour(MemoryError):\n    def add_note(self, note): raise ValueError\n"
        error = worker.run(f"{sour}raise Sour").error
        assert (error.name, error.traceback) == ("Sour", ("Sour",))
        assert worker.run("6 * 7").result.value == 42


def test_to_rehearse_it_confines_nobody() -> None:
    code = """
import os
from _inspan_kernel.worker import confine

def stands():
    with open("/proc/self/status") as file:
        given_up = [line for line in file if line.startswith(("Cap", "NoNewPrivs", "Seccomp"))]
    with open("/proc/self/mounts") as file:
        mounts = file.read()
    spaces = [os.readlink(f"/proc/self/ns/{name}") for name in ("ipc", "mnt", "net", "user")]
    return given_up, mounts, spaces, os.getcwd(), sorted(os.listdir("/proc/self/fd"))

before = stands()
confine.rehearse()
answer["same"] = stands() == before
"""
    assert run(code) == {"same": True}
