"""An agent that hands in tasks: it tells who it is to whoever plays it, and stays while it is to.

``guest_agent.py``, with the prompt on its standard input. ``tell FILE`` writes what it knows of
inspan into the file, ``stay FILE`` waits until that file is there, ``reach FOLDER`` says which
doors there it can knock at, ``say TEXT`` says that.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import time
from pathlib import Path


def _reached(path: str) -> str:
    with socket.socket(socket.AF_UNIX) as link:
        return "no" if link.connect_ex(path) else "yes"


def main() -> None:
    prompt = sys.stdin.read()
    for name in re.findall(r"^tell (\S+)$", prompt, re.MULTILINE):
        known = {name: os.environ[name] for name in os.environ if name.startswith("INSPAN_")}
        fresh = Path(f"{name}.new")
        fresh.write_text(json.dumps(known))
        fresh.replace(name)
    for folder in re.findall(r"^reach (.+)$", prompt, re.MULTILINE):
        doors = ("guests", "daemon")
        print(", ".join(f"{door} {_reached(f'{folder}/{door}.sock')}" for door in doors))
    for name in re.findall(r"^stay (\S+)$", prompt, re.MULTILINE):
        while not Path(name).exists():
            time.sleep(0.05)
    for text in re.findall(r"^say (.*)$", prompt, re.MULTILINE):
        print(text)


main()
