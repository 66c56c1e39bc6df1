"""The peer in memory: threads that wait in subprocess, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time

from tools.bench.processes import memory

MANY = 5
WORK = ("sleep", "1")
#: Commands that run before, on both sides: a first one loads code and fills caches.
WARMING = 5


def main() -> None:
    """Print the PSS before and while they run, in bytes."""
    own = (os.getpid(),)
    for _ in range(WARMING):
        subprocess.run(["true"], check=True, capture_output=True)
    before = min(memory(own).pss for _ in "123")
    threads = [threading.Thread(target=wait) for _ in range(MANY)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    during = min(memory(own).pss for _ in "123")
    for thread in threads:
        thread.join()
    print(json.dumps([before, during]))


def wait() -> None:
    subprocess.run(WORK, check=True, capture_output=True)


if __name__ == "__main__":
    main()
