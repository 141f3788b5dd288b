"""News for an open playground page over one WebSocket."""

from __future__ import annotations

import asyncio

from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.channels.playground.fanout import News
from bot.web.playground_api import Page, with_receipts


async def follow(page: Page, socket: WebSocket) -> None:
    """News until the page goes away; a page that reads too slowly is told to begin anew."""
    reader = page.reader(socket)
    known = [one.id for one in await page.playground.rooms.everybody()]
    if not _from_here(socket) or reader not in known:
        await socket.close(1008)
        return
    await socket.accept()
    with page.playground.fanout.subscribe(reader) as queue:
        gone = asyncio.create_task(_until_gone(socket))
        try:
            await socket.send_json({"type": "hello"})
            while not gone.done():
                news = asyncio.create_task(queue.get())
                await asyncio.wait({news, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not news.done():
                    news.cancel()
                    break
                await socket.send_json(await _dressed(page, reader, news.result()))
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            gone.cancel()


async def _dressed(page: Page, reader: str, news: News | None) -> News:
    if news is None:
        return {"type": "anew"}
    if news["type"] != "message":
        return news
    (message,) = await with_receipts(page, reader, [news["message"]])
    return {**news, "message": message}


def _from_here(socket: WebSocket) -> bool:
    """A WebSocket carries cookies wherever it comes from: only our own pages may open one."""
    return socket.headers.get("origin", "").split("://", 1)[-1] == socket.headers.get("host")


async def _until_gone(socket: WebSocket) -> None:
    try:
        while True:
            await socket.receive_text()
    except (WebSocketDisconnect, RuntimeError, KeyError):
        return
