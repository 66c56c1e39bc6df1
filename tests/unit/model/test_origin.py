"""What an origin is, and which addresses are nobody's but the Internet's."""

from __future__ import annotations

import ipaddress

import pytest

from inspan.errors import BadInput
from inspan.model.origin import Origin, origin_of, parsed, public

pytestmark = pytest.mark.requirement("D7")


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("https://example.org", "https://example.org", "/"),
        ("HTTPS://Example.ORG:443/A?b=c#d", "https://example.org", "/A?b=c"),
        ("http://example.org:8080/?", "http://example.org:8080", "/"),
        ("http://127.0.0.1:80/x", "http://127.0.0.1", "/x"),
        ("http://[2001:DB8:0::1]:81/", "http://[2001:db8::1]:81", "/"),
        ("http://[::ffff:127.0.0.1]/", "http://[::ffff:127.0.0.1]", "/"),
    ],
)
def test_a_url_is_an_origin_and_what_is_asked_for_there(url: str, origin: str, target: str) -> None:
    found, rest = parsed(url)
    assert (found, rest) == (origin_of(origin), target)
    assert str(found) in (origin, "http://[::ffff:7f00:1]")


@pytest.mark.parametrize(
    "url",
    [
        *("", "example.org", "//example.org", "ftp://example.org", "file:///etc/passwd", "http://"),
        *("http:example.org", "https://user@example.org", "https://user:word@example.org"),
        *("http://example.org:x/", "http://example.org:99999/", "http://exa mple.org/"),
        *("http://example.org\\@evil.org/", "http://example.org/\r\nHost: evil.org"),
        *(
            "http://exämple.org/",
            "http://ex%61mple.org/",
            "http://[::1/",
            "http://[fe80::1%25eth0]/",
        ),
        *(
            "http://example.org/\udcff",
            "http://-example.org/",
            "http://example.org./",
            "http://" + "a" * 9000,
        ),
    ],
)
def test_what_parsers_could_disagree_about_is_refused(url: str) -> None:
    with pytest.raises(BadInput):
        parsed(url)


@pytest.mark.parametrize("text", ["https://a.org/x", "https://a.org/?", "https://a.org/#", "a.org"])
def test_an_origin_has_nothing_behind_it(text: str) -> None:
    with pytest.raises(BadInput):
        origin_of(text)


def test_two_ports_are_two_origins() -> None:
    assert origin_of("http://a.org:80") == origin_of("http://A.org/") == Origin("http", "a.org", 80)
    assert origin_of("https://a.org") != origin_of("https://a.org:80")


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1"),
        *("::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1"),
        *("64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:0:7f00:1::"),
    ],
)
def test_no_private_address_is_public(address: str) -> None:
    assert not public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"]
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert public(ipaddress.ip_address(address))
