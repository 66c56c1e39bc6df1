"""A worker's process where its own means run out."""

from tests.fakes.checkpoint_process import run


def test_memory_is_told_where_no_file_can_be_opened_any_more() -> None:
    code = """
import os, resource
from _inspan_kernel.worker import main
import _inspan_kernel.worker.limits
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
try:
    os.open(os.devnull, os.O_RDONLY)
except OSError:
    answer["memory"] = main._memory()
"""
    assert run(code)["memory"] > 1 << 20
