"""A message as a POST, signed as Standard Webhooks has it, tried a few times.

An address and a secret may be references, which are looked up each time. No redirect is followed:
what is told is for the one whom the settings name.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import json
import math
from collections.abc import Callable, Mapping
from typing import Final

import anyio
import anyio.to_thread

from inspan.errors import BadInput, NotGranted, Unable
from inspan.model.notice import Webhook
from inspan.model.origin import Origin, loopback, parsed
from inspan.model.patience import Backoff
from inspan.notices.reaching import Clock, Web
from inspan.notices.wording import Message

#: Seconds for a server to answer.
PATIENCE: Final = 10.0
#: It is tried so often, over so many seconds.
TRIES: Final = 6
TRYING: Final = 300.0
_BACKOFF: Final = Backoff(first=1.0, most=60.0)
#: Answers that another try may change (RFC 9110; 425: RFC 8470; 429: RFC 6585), beside all of 5xx.
_AGAIN: Final = frozenset({408, 425, 429})
_PREFIX: Final = "whsec_"


class _Refused(Exception):  # noqa: N818 - it never leaves this file
    """Another try may help, after ``rest`` seconds at the soonest."""

    def __init__(self, why: str, rest: float = 0.0) -> None:
        super().__init__(why)
        self.rest = rest


class Posting:
    """To one webhook."""

    def __init__(
        self, hook: Webhook, web: Web, clock: Clock, look_up: Callable[[str], str]
    ) -> None:
        self._hook = hook
        self._web = web
        self._clock = clock
        self._look_up = look_up
        #: Whether it must be on this machine.
        self._bound = False

    async def deliver(self, message: Message) -> None:
        body = json.dumps(message.facts(self._clock.now())).encode()
        end = self._clock.monotonic() + TRYING
        for tries in range(1, TRIES + 1):
            try:
                await self._once(message.id, body)
            except _Refused as refused:
                rest = max(refused.rest, _BACKOFF.delay(tries, self._clock.chance()))
                if tries == TRIES or message.is_test or self._clock.monotonic() + rest > end:
                    times = "once" if tries == 1 else f"{tries} times"
                    raise Unable(f"{refused}; tried {times}") from None
                await self._clock.sleep(rest)
            else:
                return

    async def _once(self, ident: str, body: bytes) -> None:
        origin, target = await self._place()
        headers = {"content-type": "application/json", "webhook-id": ident}
        stamp = str(int(self._clock.now()))
        headers["webhook-timestamp"] = stamp
        if self._hook.secret is not None:
            secret = await self._behind(self._hook.secret)
            headers["webhook-signature"] = signature(secret, ident, stamp, body)
        try:
            with anyio.fail_after(PATIENCE):
                status, told = await self._web.post(origin, target, headers, body, self._allows)
        except TimeoutError:
            raise _Refused(f"{origin} has not answered within {PATIENCE:g} s") from None
        except NotGranted:
            raise Unable(f"{origin} leads to an address where nobody may be told") from None
        except Unable as error:
            raise _Refused(error.message) from None
        if 200 <= status < 300:
            return
        what = f"{origin} answers {status}"
        if status in _AGAIN or status >= 500:
            raise _Refused(what, _rest(told))
        if 300 <= status < 400:
            raise Unable(f"{what}: it is elsewhere, and redirects are not followed")
        raise Unable(what)

    async def _place(self) -> tuple[Origin, str]:
        url = self._hook.url
        try:
            origin, target = parsed(await self._behind(url) if self._hook.referred else url)
        except BadInput:
            # The error shows it, and it may hold a key.
            raise Unable("its webhook is no URL") from None
        if origin.scheme == "http" and not self._hook.plain and not loopback(origin.host):
            raise Unable(f"{origin} is not https://, and `plain` is not set")
        self._bound = origin.scheme == "http" and not self._hook.plain
        return origin, target

    def _allows(self, address: str) -> bool:
        """Whether it may be there: in clear only on this machine, and never where none can be."""
        found = ipaddress.ip_address(address.partition("%")[0])
        if self._bound and not found.is_loopback:
            return False
        return not (found.is_link_local or found.is_multicast or found.is_unspecified)

    async def _behind(self, reference: str) -> str:
        return await anyio.to_thread.run_sync(self._look_up, reference)


def signature(secret: str, ident: str, stamp: str, body: bytes) -> str:
    """The header ``webhook-signature``. Raises Unable for a secret that is none."""
    key = secret.encode()
    if secret.startswith(_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            raise Unable("its secret begins with whsec_, and the rest is not base64") from None
    digest = hmac.digest(key, b".".join((ident.encode(), stamp.encode(), body)), hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def _rest(headers: Mapping[str, str]) -> float:
    """What the server asks to wait, in seconds; a date counts for nothing."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0
