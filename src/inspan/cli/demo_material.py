"""The files the demo works on, as texts: it must run from an installed wheel, far from a checkout.

They are a small project with tests, a build of it, a deployment that cannot succeed, and a survey
that takes up where it was stopped. Nothing here is run by importing it.
"""

from __future__ import annotations

from typing import Final

_LIMITER: Final = '''\
"""A token bucket: so many at once, and so many a second after that."""

import time


class Bucket:
    def __init__(self, rate, size):
        self.rate, self.size = rate, size
        self.tokens, self.at = size, time.monotonic()

    def take(self):
        """True where one may go now."""
        now = time.monotonic()
        self.tokens = min(self.size, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def wait(self):
        """Return when one may go."""
        while not self.take():
            time.sleep((1 - self.tokens) / self.rate)
'''

_MAIN: Final = '''\
"""Let COUNT go at RATE a second and say how it went."""

import sys
import time

from limiter import Bucket


def main(count, rate):
    bucket, began = Bucket(rate, 1), time.monotonic()
    for number in range(1, count + 1):
        bucket.wait()
        print(f"{number} of {count}", flush=True)
    print(f"{count} went; the last one after {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
'''

_TESTS: Final = """\
import subprocess
import sys
import time
import unittest

from limiter import Bucket


class Waiting(unittest.TestCase):
    def test_the_first_ones_go_at_once(self):
        bucket = Bucket(rate=1, size=3)
        self.assertEqual([bucket.take() for _ in range(4)], [True, True, True, False])

    def test_tokens_come_back(self):
        bucket = Bucket(rate=2, size=1)
        bucket.take()
        self.assertFalse(bucket.take())
        time.sleep(0.6)
        self.assertTrue(bucket.take())

    def test_waiting_takes_its_time(self):
        bucket, began = Bucket(rate=5, size=1), time.monotonic()
        for _ in range(6):
            bucket.wait()
        self.assertGreaterEqual(time.monotonic() - began, 0.99)

    def test_a_full_bucket_does_not_overflow(self):
        bucket = Bucket(rate=1000, size=2)
        time.sleep(0.1)
        self.assertEqual([bucket.take(), bucket.take()], [True, True])
        self.assertLess(bucket.tokens, 2)


class Program(unittest.TestCase):
    def test_it_lets_all_of_them_go(self):
        command = [sys.executable, "main.py", "8", "6"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=30)
        self.assertIn("8 went", ran.stdout)

    def test_it_refuses_what_is_no_number(self):
        command = [sys.executable, "main.py", "many", "6"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=30)
        self.assertIn("ValueError", ran.stderr)
"""

_BUILD: Final = '''\
"""Compile the project and a part of the standard library, and pack a runnable archive."""

import hashlib
import pathlib
import py_compile
import shutil
import sysconfig
import zipapp

here = pathlib.Path(__file__).parent
build, archive = here / "build", here / "dist" / "limiter.pyz"
shutil.rmtree(build, ignore_errors=True)
build.mkdir()
archive.parent.mkdir(exist_ok=True)

library = pathlib.Path(sysconfig.get_path("stdlib"))
wanted = [here / "limiter.py", here / "main.py"]
for package in ("asyncio", "email", "http", "json", "unittest", "xml/etree"):
    wanted += sorted((library / package).glob("*.py"))
for number, source in enumerate(wanted, 1):
    print(f"[{number:3} of {len(wanted)}] compile {source.parent.name}/{source.name}", flush=True)
    py_compile.compile(str(source), str(build / f"{number}.pyc"), doraise=True)

stage = build / "stage"
stage.mkdir()
shutil.copy(here / "limiter.py", stage)
shutil.copy(here / "main.py", stage / "__main__.py")
zipapp.create_archive(stage, archive, compressed=True)
digest = hashlib.sha256(archive.read_bytes()).hexdigest()
print(f"dist/limiter.pyz, {archive.stat().st_size} bytes, sha256 {digest[:16]}")
'''

_DEPLOY: Final = '''\
"""Deploy to the machine that settings.ini names."""

import configparser
import sys

settings = configparser.ConfigParser()
settings.read("settings.ini")
print("reading settings.ini", flush=True)
if not settings.has_option("deploy", "host"):
    sys.stderr.write("deploy: settings.ini names no host in [deploy]; nothing was deployed\\n")
    sys.exit(3)
print("deploying to", settings["deploy"]["host"])
'''

_SETTINGS: Final = """\
[deploy]
user = demo
"""

_SURVEY: Final = '''\
"""Count the lines of the standard library, a file at a time; what is counted is kept."""

import json
import pathlib
import sys
import sysconfig
import time

progress = pathlib.Path("progress.json")
files = sorted(pathlib.Path(sysconfig.get_path("stdlib")).glob("*.py"))[:80]
done = json.loads(progress.read_text()) if progress.exists() else {}
print(f"{len(done)} of {len(files)} files are counted already" if done else "from the start")
try:
    for number, file in enumerate(files, 1):
        if file.name in done:
            continue
        done[file.name] = file.read_bytes().count(b"\\n")
        part = progress.with_suffix(".part")
        part.write_text(json.dumps(done))
        part.rename(progress)
        print(f"{number:3} of {len(files)}  {done[file.name]:6}  {file.name}", flush=True)
        time.sleep(0.06)
except KeyboardInterrupt:
    sys.exit("stopped; what is counted is kept in progress.json")
total = f"{sum(done.values())} lines in {len(done)} files"
pathlib.Path("total.txt").write_text(total + "\\n")
print(total)
'''

_QUESTION: Final = """\
name: an agent that asks
steps:
  - say: {text: "I have read the project and would release it.", delay: 0.01}
  - stream: {lines: 4, every: 0.2, text: "looking at file {n}"}
  - ask:
      question: How shall I release it?
      options: [all at once, step by step, not at all]
      on:
        all at once:
          - write: {path: release.txt, content: "released, {answer}\\n"}
          - say: Released.
        step by step:
          - stream: {lines: 5, every: 0.2, text: "step {n} of 5 is out"}
          - write: {path: release.txt, content: "released, {answer}\\n"}
          - say: Released.
        not at all:
          - fail: {message: "You said no, so nothing was released.", code: 4}
"""

#: path → text, below the demo's folder.
FILES: Final = {
    "project/limiter.py": _LIMITER,
    "project/main.py": _MAIN,
    "project/test_limiter.py": _TESTS,
    "build/limiter.py": _LIMITER,
    "build/main.py": _MAIN,
    "build/build.py": _BUILD,
    "deploy/deploy.py": _DEPLOY,
    "deploy/settings.ini": _SETTINGS,
    "survey/survey.py": _SURVEY,
    "agent/question.yaml": _QUESTION,
}
