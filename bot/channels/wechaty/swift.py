"""Unary gRPC calls for one hot method, several times cheaper than through the SDK's pure-Python HTTP/2.

One payload call per message is what bounds the channel's speed, so exactly that call has a connection of its own.
The connection forbids header compression tables, so that every header block can be made and read without state.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from hpack import Decoder, Encoder, NeverIndexedHeaderTuple

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1
PADDED, PRIORITY = 8, 32
FRAME = struct.Struct(">HBBBI")
SETTING = struct.Struct(">HI")
OUR_WINDOW = 1 << 24
MAX_ANSWER = 8 << 20
LAST_STREAM = (1 << 31) - 1


class SwiftError(Exception):
    """The call brought no answer; `status` is gRPC's code when the gateway gave one."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class _Call:
    answer: asyncio.Future[bytes]
    timer: asyncio.TimerHandle
    body: bytearray = field(default_factory=bytearray)


def _frame(kind: int, flags: int, stream: int, body: bytes = b"") -> bytes:
    size = len(body)
    return FRAME.pack(size >> 8, size & 0xFF, kind, flags, stream) + body


def _stateless(headers: list[tuple[str, str]]) -> bytes:
    return bytes(Encoder().encode([NeverIndexedHeaderTuple(*header) for header in headers], huffman=False))


class Swift(asyncio.Protocol):
    """Made by `connect`; a call fails with SwiftError at the latest after `deadline` seconds."""

    def __init__(self, path: str, token: str, scheme: str, deadline: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._deadline = deadline
        self._head = _stateless(
            [
                (":method", "POST"),
                (":scheme", scheme),
                (":path", path),
                (":authority", token),
                ("te", "trailers"),
                ("content-type", "application/grpc+proto"),
                ("authorization", f"Wechaty {token}"),
            ]
        )
        self._transport: asyncio.Transport | None = None
        self._calls: dict[int, _Call] = {}
        self._stream = 1
        self._window = 65_535
        self._unacknowledged = 0
        self._input = bytearray()
        self._output: list[bytes] = []
        self._trailers: dict[bytes, tuple[int, str]] = {}

    @property
    def usable(self) -> bool:
        return self._transport is not None and self._stream < LAST_STREAM and self._window > 1024

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        # No header table, no pushes, a wide window for every answer.
        wanted = SETTING.pack(1, 0) + SETTING.pack(2, 0) + SETTING.pack(4, OUR_WINDOW)
        transport.write(PREFACE + _frame(SETTINGS, 0, 0, wanted) + _frame(WINDOW, 0, 0, struct.pack(">I", OUR_WINDOW)))

    def call(self, request: bytes) -> asyncio.Future[bytes]:
        """The answer's bytes; calls made in one turn of the loop leave in one packet."""
        if not self.usable:
            raise SwiftError("not connected")
        stream, self._stream = self._stream, self._stream + 2
        timer = self._loop.call_later(self._deadline, self._fail, stream, SwiftError("deadline"))
        answer: asyncio.Future[bytes] = self._loop.create_future()
        self._calls[stream] = _Call(answer, timer)
        body = b"\0" + len(request).to_bytes(4, "big") + request
        self._window -= len(body)
        if not self._output:
            self._loop.call_soon(self._flush)
        self._output.append(_frame(HEADERS, END_HEADERS, stream, self._head) + _frame(DATA, END_STREAM, stream, body))
        return answer

    def _flush(self) -> None:
        if self._transport is not None and self._output:
            self._transport.write(b"".join(self._output))
        self._output.clear()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        self.connection_lost(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        for stream in list(self._calls):
            self._fail(stream, SwiftError("connection lost"))

    def data_received(self, data: bytes) -> None:
        self._input += data
        view, start = bytes(self._input), 0
        while len(view) - start >= 9:
            high, low, kind, flags, stream = FRAME.unpack_from(view, start)
            end = start + 9 + (high << 8 | low)
            if end > len(view):
                break
            self._take(kind, flags, stream & LAST_STREAM, view[start + 9 : end])
            start = end
        del self._input[:start]
        self._refill()

    def _take(self, kind: int, flags: int, stream: int, body: bytes) -> None:
        if kind == DATA:
            self._unacknowledged += len(body)
            self._take_data(stream, _unpadded(body, flags))
        elif kind == HEADERS and flags & END_STREAM:
            self._finish(stream, _unpadded(body, flags))
        elif kind == RESET:
            self._fail(stream, SwiftError("reset by the gateway"))
        elif kind == SETTINGS and not flags & ACK:
            self._write(_frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self._write(_frame(PING, ACK, 0, body))
        elif kind == WINDOW and stream == 0:
            self._window += int.from_bytes(body, "big")
        elif kind in (GOAWAY, CONTINUATION):
            # Headers that do not fit one frame are nothing we have asked for.
            self.close()

    def _take_data(self, stream: int, body: bytes) -> None:
        call = self._calls.get(stream)
        if call is None:
            return
        call.body += body
        if len(call.body) > MAX_ANSWER:
            self._write(_frame(RESET, 0, stream, struct.pack(">I", 8)))
            self._fail(stream, SwiftError("answer too large", status=8))

    def _finish(self, stream: int, block: bytes) -> None:
        call = self._calls.pop(stream, None)
        if call is None:
            return
        call.timer.cancel()
        status, message = self._status(block)
        if call.answer.done():
            return
        if status or len(call.body) < 5:
            call.answer.set_exception(SwiftError(message or "no answer", status))
        else:
            call.answer.set_result(bytes(call.body[5:]))

    def _status(self, block: bytes) -> tuple[int, str]:
        """Trailers are nearly always the same bytes; each kind is decoded once."""
        known = self._trailers.get(block)
        if known is None:
            headers: dict[Any, Any] = dict(Decoder().decode(block))
            known = int(headers.get("grpc-status", 2)), first_line(unquote(headers.get("grpc-message", "")))
            if len(self._trailers) < 64:
                self._trailers[block] = known
        return known

    def _fail(self, stream: int, error: SwiftError) -> None:
        call = self._calls.pop(stream, None)
        if call is not None:
            call.timer.cancel()
            if not call.answer.done():
                call.answer.set_exception(error)

    def _refill(self) -> None:
        if self._unacknowledged > OUR_WINDOW // 4:
            self._write(_frame(WINDOW, 0, 0, struct.pack(">I", self._unacknowledged)))
            self._unacknowledged = 0

    def _write(self, frame: bytes) -> None:
        if self._transport is not None:
            self._transport.write(frame)


def first_line(message: str) -> str:
    """Gateways put their stack into the message."""
    return message.strip().partition("\n")[0][:200]


def _unpadded(body: bytes, flags: int) -> bytes:
    start, end = 0, len(body)
    if flags & PADDED and body:
        start, end = 1, end - body[0]
    if flags & PRIORITY:
        start += 5
    return body[start:end]


async def connect(
    host: str, port: int, path: str, token: str, context: ssl.SSLContext | None, deadline: float
) -> Swift:
    loop = asyncio.get_running_loop()
    scheme = "https" if context else "http"
    _, protocol = await asyncio.wait_for(
        loop.create_connection(
            lambda: Swift(path, token, scheme, deadline),
            host,
            port,
            ssl=context,
            server_hostname=host if context else None,
        ),
        deadline,
    )
    return protocol
