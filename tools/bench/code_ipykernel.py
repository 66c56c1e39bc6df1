"""ipykernel, driven by jupyter_client, in a process of its own.

python -m tools.bench.code_ipykernel TRIPS
"""

from __future__ import annotations

import importlib
import json
import sys
from time import perf_counter
from typing import Any

from tools.bench.code_cells import FLUSHED, LINES, wanted
from tools.bench.processes import memory

PATIENCE = 120.0


def measured(trips: int) -> dict[str, Any]:
    manager: Any = importlib.import_module("jupyter_client").KernelManager()
    began = perf_counter()
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=PATIENCE)
        trip(client)
        found: dict[str, Any] = {"start": perf_counter() - began}
        found["trips"] = [trip(client) for _ in range(trips)]
        found["pss"] = memory([manager.provisioner.pid]).pss
        found["lines"] = printed(client, LINES)
        found["flushed"] = printed(client, FLUSHED)
        return found
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def trip(client: Any) -> float:
    """Until the reply: its result may come later still."""
    began = perf_counter()
    client.execute("1+1", reply=True, timeout=PATIENCE)
    return perf_counter() - began


def printed(client: Any, code: str) -> float:
    while client.iopub_channel.msg_ready():
        client.get_iopub_msg(timeout=PATIENCE)
    began = perf_counter()
    asked = client.execute(code)
    parts = []
    while True:
        message = client.get_iopub_msg(timeout=PATIENCE)
        if message["parent_header"].get("msg_id") != asked:
            continue
        content = message["content"]
        if message["msg_type"] == "stream":
            parts.append(content["text"])
        elif message["msg_type"] == "status" and content["execution_state"] == "idle":
            break
    took = perf_counter() - began
    client.get_shell_msg(timeout=PATIENCE)
    if "".join(parts) != wanted(code):
        raise RuntimeError("ipykernel lost output")
    return took


if __name__ == "__main__":
    print(json.dumps(measured(int(sys.argv[1]))))
