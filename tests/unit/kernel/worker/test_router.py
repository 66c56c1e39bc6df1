import ast

import pytest

from inspan.kernel.worker.router import Route, route


def of(code: str, **names: str) -> Route:
    return route(ast.parse(code), names.get)


@pytest.mark.requirement("D4")
@pytest.mark.parametrize(
    ("code", "mode"),
    [
        ("x = 1", "simple_sync"),
        ("", "simple_sync"),
        ("'import requests; requests.get()'", "simple_sync"),
        ("requests = 3\nrequests + 1", "simple_sync"),
        ("# time.sleep(1)", "simple_sync"),
        ("import requests", "simple_sync"),
        ("import urllib.parse\nurllib.parse.quote('a')", "simple_sync"),
        ("my.socket.connect()", "simple_sync"),
        ("sleep(1)", "simple_sync"),
        ("import requests\nrequests.get('u')", "blocking_sync"),
        ("import requests as r\nr.get('u')", "blocking_sync"),
        ("from requests import get as g\ng('u')", "blocking_sync"),
        ("import urllib.request\nurllib.request.urlopen('u')", "blocking_sync"),
        ("from urllib import request\nrequest.urlopen('u')", "blocking_sync"),
        ("import urllib.request as q\nq.urlopen('u')", "blocking_sync"),
        ("import socket\nsocket.create_connection(a)", "blocking_sync"),
        ("import subprocess\nsubprocess.run(['a'])", "blocking_sync"),
        ("from subprocess import run\nrun(['a'])", "blocking_sync"),
        ("import sqlite3\nsqlite3.connect('a')", "blocking_sync"),
        ("import psycopg2\npsycopg2.connect('a')", "blocking_sync"),
        ("import pymongo\npymongo.MongoClient()", "blocking_sync"),
        ("import redis\nredis.Redis().get('a')", "blocking_sync"),
        ("import time\ntime.sleep(1)", "blocking_sync"),
        ("from time import sleep as nap\nnap(1)", "blocking_sync"),
        ("import time\ntime.time()", "simple_sync"),
        ("import os\nos.system('a')", "blocking_sync"),
        ("def f():\n    import time\n    time.sleep(1)\nf()", "blocking_sync"),
        ("async def f(): pass", "async_def"),
        ("import requests\nasync def f(): requests.get('u')", "async_def"),
        ("import requests\nasync def f(): pass\nrequests.get('u')", "blocking_sync"),
        ("async def f(): await g()", "async_def"),
        ("await f()", "top_level_await"),
        ("x = [await y for y in z]", "top_level_await"),
        ("[x async for x in y]", "top_level_await"),
        ("async for x in y: pass", "top_level_await"),
        ("async with x: pass", "top_level_await"),
        ("if a:\n    for b in c:\n        await b", "top_level_await"),
        ("def f(a=await b): pass", "top_level_await"),
        ("import time\ntime.sleep(1)\nawait f()", "top_level_await"),
        ("(x async for x in y)", "simple_sync"),
        ("(x for x in await y)", "top_level_await"),
    ],
)
def test_the_mode_is_that_of_the_tree(code: str, mode: str) -> None:
    assert of(code).mode == mode


def test_names_of_earlier_cells_are_followed() -> None:
    assert of("r.get('u')", r="requests").mode == "blocking_sync"
    assert of("nap(1)", nap="time.sleep").mode == "blocking_sync"
    assert of("r.get('u')", r="mine").mode == "simple_sync"


@pytest.mark.parametrize(
    ("code", "runs", "uses"),
    [
        ("import asyncio\nasyncio.run(f())", True, True),
        ("from asyncio import run\nrun(f())", True, True),
        ("loop.run_until_complete(f())", True, False),
        ("import asyncio\nasyncio.create_task(f())", False, True),
        ("run(f())", False, False),
    ],
)
def test_what_a_cell_needs_of_the_loop_is_seen(code: str, runs: bool, uses: bool) -> None:
    found = of(code)
    assert (found.runs_loop, found.uses_loop) == (runs, uses)
