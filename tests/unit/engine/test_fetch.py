"""``http.fetch`` by its rules, without a network."""

from __future__ import annotations

import pytest

from inspan.engine.code.asks import Question
from inspan.engine.code.fetch import BODY_MOST, Fetch, reachable
from inspan.engine.code.ports import Fetched
from inspan.errors import BadInput, InspanError, NotGranted, Unable
from inspan.model.origin import origin_of
from tests.fakes.web import FakeWeb

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D7")]

GIVEN = ("https://a.org", "https://b.org:8443")


@pytest.fixture
def web() -> FakeWeb:
    return FakeWeb()


async def fetched(
    web: FakeWeb, payload: object, given: tuple[str, ...] = GIVEN
) -> dict[str, object]:
    answer: dict[str, object] = await Fetch(web).asked(Question(given, payload))
    return answer


def to(place: str, status: int = 302) -> Fetched:
    return Fetched(status, (("location", place),), b"")


async def test_a_page_is_its_status_headers_and_text(web: FakeWeb) -> None:
    headers = (("set-cookie", "a"), ("set-cookie", "b"), ("x", "y"))
    web.pages["https://a.org/x?y"] = Fetched(200, headers, "☃".encode())
    payload = {"url": "https://A.org/x?y#z", "headers": {"Authorization": "secret"}}
    assert await fetched(web, payload) == {
        "url": "https://A.org/x?y#z",
        "status": 200,
        "headers": {"set-cookie": "a, b", "x": "y"},
        "text": "☃",
    }
    assert web.asked == [("GET", "https://a.org/x?y", {"Authorization": "secret"})]


async def test_bytes_that_are_no_text_are_base64(web: FakeWeb) -> None:
    web.pages["https://a.org/"] = Fetched(200, (), b"\xff\x00")
    answer = await fetched(web, {"url": "https://a.org", "method": "HEAD"})
    assert (answer["base64"], "text" in answer, web.asked[0][0]) == ("/wA=", False, "HEAD")


async def test_an_answer_of_any_status_is_one(web: FakeWeb) -> None:
    assert (await fetched(web, {"url": "https://a.org/none"}))["status"] == 404


@pytest.mark.parametrize(
    "url",
    [
        *("https://c.org/", "http://a.org/", "https://a.org:8443/", "https://b.org/"),
        *("https://a.org.evil.org/", "https://sub.a.org/", "https://evila.org"),
    ],
)
async def test_an_origin_that_is_not_on_the_list_is_refused(web: FakeWeb, url: str) -> None:
    with pytest.raises(NotGranted, match="'http=http"):
        await fetched(web, {"url": url})
    assert web.asked == []


async def test_a_redirect_is_followed_on_the_list(web: FakeWeb) -> None:
    web.pages["https://a.org/1"] = to("/2", 301)
    web.pages["https://a.org/2"] = to("//b.org:8443/3", 307)
    web.pages["https://b.org:8443/3"] = Fetched(200, (), b"there")
    headers = {"authorization": "secret"}
    answer = await fetched(web, {"url": "https://a.org/1", "headers": headers})
    assert (answer["url"], answer["text"]) == ("https://b.org:8443/3", "there")
    # What was meant for one origin is not told to another.
    assert [said for _, _, said in web.asked] == [headers, headers, {}]


@pytest.mark.parametrize(
    "place",
    ["https://c.org/", "http://a.org/1", "http://127.0.0.1/", "//c.org", "https://a.org:1/"],
)
async def test_no_redirect_leaves_the_list(web: FakeWeb, place: str) -> None:
    web.pages["https://a.org/1"] = to(place)
    with pytest.raises(NotGranted, match=r"where https://a\.org redirects to"):
        await fetched(web, {"url": "https://a.org/1"})
    assert len(web.asked) == 1


@pytest.mark.parametrize("place", ["file:///etc/passwd", "https://u@a.org/", "javascript:1"])
async def test_a_redirect_to_no_origin_is_refused(web: FakeWeb, place: str) -> None:
    web.pages["https://a.org/1"] = to(place)
    with pytest.raises(BadInput):
        await fetched(web, {"url": "https://a.org/1"})


async def test_redirects_have_an_end(web: FakeWeb) -> None:
    web.pages["https://a.org/"] = to("/")
    with pytest.raises(Unable, match="5 redirects"):
        await fetched(web, {"url": "https://a.org/"})


async def test_a_page_that_does_not_come_is_given_up(
    web: FakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inspan.engine.code.fetch.TIME_MOST", 0.01)
    web.hangs = True
    with pytest.raises(Unable, match=r"https://a\.org/slow was not there within 0\.01 s"):
        await fetched(web, {"url": "https://a.org/slow"})
    web.hangs = False
    assert (await fetched(web, {"url": "https://a.org/slow"}))["status"] == 404


async def test_a_page_that_is_too_large_is_refused(web: FakeWeb) -> None:
    web.pages["https://a.org/"] = Fetched(200, (), bytes(BODY_MOST + 1))
    with pytest.raises(Unable, match="more than 1048576 bytes"):
        await fetched(web, {"url": "https://a.org/"})


async def test_a_name_that_leads_into_a_private_network_is_refused(web: FakeWeb) -> None:
    web.pages["https://a.org/"] = Fetched(200, (), b"inside")
    web.addresses["a.org"] = "10.0.0.5"
    with pytest.raises(NotGranted):
        await fetched(web, {"url": "https://a.org/"})
    answer = await fetched(web, {"url": "https://a.org/"}, (*GIVEN, "https://10.0.0.5"))
    assert answer["text"] == "inside"


@pytest.mark.parametrize(
    ("origin", "address", "may"),
    [
        ("http://127.0.0.1:80", "127.0.0.1", True),
        ("http://127.0.0.1:80", "127.0.0.2", False),
        ("http://[::1]", "::1", True),
        ("http://localhost", "127.0.0.1", True),
        ("http://localhost", "::1", True),
        ("http://localhost", "10.0.0.1", False),
        ("http://a.org", "169.254.169.254", False),
        ("http://a.org", "fe80::1%eth0", False),
        ("http://a.org", "::ffff:127.0.0.1", False),
        ("http://a.org", "192.168.0.7", True),
        ("https://a.org", "192.168.0.7", False),
        ("http://a.org:81", "192.168.0.7", False),
        ("http://a.org", "93.184.215.14", True),
    ],
)
def test_an_address_has_to_be_public_or_granted(origin: str, address: str, may: bool) -> None:
    granted = frozenset((origin_of(origin), origin_of("http://192.168.0.7")))
    assert reachable(origin_of(origin), granted, address) is may


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        ({}, "'url' is text"),
        ({"url": 3}, "'url' is text"),
        ({"url": "https://a.org", "method": "POST"}, "'method' is GET or HEAD"),
        ({"url": "https://a.org", "method": ["GET"]}, "'method' is GET or HEAD"),
        ({"url": "https://a.org", "headers": []}, "'headers' is a dict"),
        ({"url": "https://a.org", "headers": {"a": 1}}, "the header 'a' is not text"),
        ({"url": "https://a.org", "headers": {"Host": "b"}}, "is not yours to say"),
        ({"url": "https://a.org", "body": "x"}, "there is no 'body' here"),
        ({"url": "nowhere"}, "does not begin with"),
    ],
)
async def test_what_cannot_be_asked_is_said(web: FakeWeb, payload: object, error: str) -> None:
    with pytest.raises(InspanError, match=error):
        await fetched(web, payload)


@pytest.mark.parametrize("given", [("",), ("a.org",), ("https://a.org/x",), ("https://*",)])
def test_what_cannot_be_granted_is_refused(web: FakeWeb, given: tuple[str, ...]) -> None:
    with pytest.raises(BadInput):
        Fetch(web).check(given)
