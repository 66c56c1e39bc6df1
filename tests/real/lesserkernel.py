"""Pythons on a kernel that offers less: some of its calls are refused, as by an older one.

    python = refusing(folder, Refused(444, errno.ENOSYS))    # a program to be started as Python

A filter of system calls does it, which whatever is started keeps: it is the kernel that refuses.
"""

import json
import platform
import shlex
import sys
from pathlib import Path
from typing import Final, NamedTuple

#: prctl(2), by machine.
PRCTL: Final = {"x86_64": 157, "aarch64": 167}.get(platform.machine(), -1)

_LAUNCHER: Final = """\
import ctypes, json, os, struct, sys
refused, command = json.loads(sys.argv[1]), sys.argv[2:]
def line(code, value, then=0, otherwise=0):
    return struct.pack("=HBBI", code, then, otherwise, value)
number, first, equal, give = 0, 16, 0x15, 0x06
code = b""
for call, argument, error in refused:
    refusal = line(give, 0x00050000 | error)
    if argument is None:
        code += line(0x20, number) + line(equal, call, 0, 1) + refusal
    else:
        inner = line(0x20, first) + line(equal, argument, 0, 1) + refusal
        code += line(0x20, number) + line(equal, call, 0, 3) + inner
code += line(give, 0x7FFF0000)
buffer = ctypes.create_string_buffer(code, len(code))
program = struct.pack("=HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer))
library = ctypes.CDLL(None, use_errno=True)
for given in ((38, 1, 0, 0, 0), (22, 2, program, 0, 0)):
    if library.prctl(*given):
        raise OSError(ctypes.get_errno(), "no filter")
os.execv(command[0], command)
"""


class Refused(NamedTuple):
    """A system call, by its number, and the error that it gives; with this first argument only."""

    call: int
    error: int
    argument: int | None = None


def refusing(folder: Path, *refused: Refused) -> str:
    """A program in ``folder`` that is this Python, but for what is refused to it."""
    path = folder / "python"
    calls = json.dumps([(one.call, one.argument, one.error) for one in refused])
    words = shlex.join([sys.executable, "-I", "-S", "-c", _LAUNCHER, calls, sys.executable])
    path.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    path.chmod(0o700)
    return str(path)
