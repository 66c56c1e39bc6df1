"""A real process with a session's namespace in it, loaded as a worker is: without inspan installed.

Code given to ``run`` sees ``cell`` (run code in the namespace), ``save``, ``load``, ``ns`` and
``answer``, a dict that comes back.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

KERNEL = Path(__file__).parents[2] / "src" / "inspan" / "kernel"
KEY = bytes(range(32))

PRELUDE = f"""
import json, sys, types
package = types.ModuleType("_inspan_kernel")
package.__path__ = [{str(KERNEL)!r}]
sys.modules["_inspan_kernel"] = package
from _inspan_kernel.worker import checkpoint
main = sys.modules["__main__"] = types.ModuleType("__main__")
ns = main.__dict__
answer = {{}}
def cell(code):
    exec(compile(code, "<cell>", "exec"), ns)
def save(path, **more):
    return checkpoint.save(ns, str(path), {KEY!r}, **more)
def load(path, **more):
    return checkpoint.load(ns, str(path), {KEY!r}, **more)
"""
END = "\nsys.__stdout__.flush(); sys.__stdout__.write('\\n' + json.dumps(answer) + '\\n')\n"


def run(
    code: str,
    *options: str,
    python: str = sys.executable,
    given: Any = None,
    **environment: str,
) -> Any:
    """Run ``code`` in a fresh process; what it left in ``answer``."""
    done = subprocess.run(
        [python, *options, "-c", f"{PRELUDE}given = json.loads(sys.stdin.readline())\n{code}{END}"],
        input=json.dumps(given) + "\n",
        capture_output=True,
        text=True,
        timeout=50,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.rstrip().rpartition("\n")[2])
