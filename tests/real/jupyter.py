"""A Jupyter client with a kernel of ours, found as any client finds one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from tests.real.console import PATIENCE, Console

NAME = "inspan-test"


@contextmanager
def installed() -> Iterator[Console]:
    """A console in whose home the kernel NAME is installed, where Jupyter looks for it."""
    with Console() as console, pytest.MonkeyPatch.context() as patch:
        prefix = console.home / "prefix"
        console.say("kernel", "install", "--prefix", str(prefix), "--name", NAME)
        patch.setenv("JUPYTER_PATH", str(prefix / "share" / "jupyter"))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(console.home / "runtime"))
        patch.setenv("JUPYTER_DATA_DIR", str(console.home / "data"))
        # What a user has set for Jupyter is not for tests.
        patch.setenv("JUPYTER_CONFIG_DIR", str(console.home / "config"))
        yield console


@contextmanager
def started(
    console: Console, name: str = NAME
) -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """A kernel that is ready, and its client; both end with the block."""
    manager = KernelManager(kernel_name=name)
    manager.start_kernel(cwd=str(console.home))
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=PATIENCE)
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=not manager.is_alive())
        client.context.term()


def folder(console: Console) -> Path:
    return console.home / "prefix" / "share" / "jupyter" / "kernels" / NAME
