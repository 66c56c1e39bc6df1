"""A client of agentapi by others, and what it is told to do; run by the Python it is installed for.

    python agentapi_client.py URL TOKEN TEXT

It waits until the agent takes a message, says TEXT, and prints as JSON what it was told.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Callable
from types import ModuleType
from typing import Any

#: In seconds, for all of it.
LONGEST = 60
#: Before it is asked again.
_AGAIN = 0.2


async def talk(url: str, token: str, text: str) -> dict[str, Any]:
    import httpx  # type: ignore[import-not-found]  # noqa: PLC0415  only where the client is

    _complete()
    from src.api_client import (  # type: ignore[import-not-found]  # noqa: PLC0415
        AgentAPIClient,
        AgentAPIError,
    )

    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(headers=headers) as http, asyncio.timeout(LONGEST):
        client = AgentAPIClient(http, url)
        news = client.stream_events(reconnect=False)
        await _told(news, lambda told: told.get("role") == "agent")
        sent = await _sent(client, text, AgentAPIError)
        await _told(news, lambda told: told.get("role") == "agent" and text in told["message"])
        await news.aclose()
        return {
            "sent": sent,
            "status": await _status(client, "stable"),
            "messages": [(one.role.value, one.content) for one in await client.get_message_list()],
        }


def _complete() -> None:
    """Its wheel lacks a module of three names that its client imports and never calls."""
    lacking = ModuleType("src.utils.error_handler")
    for name in ("create_error_response", "handle_exception", "add_cors_headers"):
        setattr(lacking, name, None)
    sys.modules |= {"src.utils": ModuleType("src.utils"), lacking.__name__: lacking}


async def _sent(client: Any, text: str, busy: type[Exception]) -> dict[str, Any]:
    """Once it is taken: an agent that printed something a moment ago is at work."""
    while True:
        try:
            told: dict[str, Any] = await client.send_message(text)
        except busy:
            await asyncio.sleep(_AGAIN)
        else:
            return told


async def _status(client: Any, wanted: str) -> str:
    while (status := str((await client.get_agent_status()).value)) != wanted:  # noqa: ASYNC110
        await asyncio.sleep(_AGAIN)
    return status


async def _told(news: AsyncGenerator[Any], wanted: Callable[[dict[str, Any]], bool]) -> None:
    async for event in news:
        if wanted(event["data"]):
            return
    raise EOFError("the events ended")


if __name__ == "__main__":
    print(json.dumps(asyncio.run(talk(*sys.argv[1:]))))
