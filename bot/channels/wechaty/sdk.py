"""The SDK's puppet with guard rails: own event loop, a deadline on every call, TLS, sends that say their id.

Imported when the channel is opened and not earlier. `Wechaty` itself stays outside: its start() stops the asyncio
loop of the whole house when the gateway is absent, goes deaf for good after a minute's outage, logs the account out
at every connect, and keeps every contact and room it has met for ever.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import mimetypes
import ssl
from collections.abc import AsyncIterator, Awaitable
from typing import Any, TypeVar

from bot.channels.wechaty.compat import shims

with shims():
    from grpclib.client import Channel
    from grpclib.config import Configuration
    from grpclib.const import Status
    from grpclib.exceptions import GRPCError, StreamTerminatedError
    from wechaty_grpc.wechaty import PuppetStub
    from wechaty_puppet import PuppetOptions
    from wechaty_puppet_service import PuppetService

from bot.channels.wechaty import swift
from bot.channels.wechaty.faults import Fault, GatewayError
from bot.channels.wechaty.payloads import Contact, Membership, Message, Room, read_message, request_of

PAYLOAD = "/wechaty.Puppet/MessagePayload"
BASE64_BOX = 1
STATUSES = {Status.UNAUTHENTICATED: Fault.TOKEN, Status.ALREADY_EXISTS: Fault.TAKEN}
Result = TypeVar("Result")


class Stub(PuppetStub):  # type: ignore[misc]
    """Upstream's calls wait for ever on a frozen gateway."""

    call_timeout = 15.0

    async def _unary_unary(self, route: str, request: Any, response_type: Any, **options: Any) -> Any:
        options.setdefault("timeout", self.call_timeout)
        return await super()._unary_unary(route, request, response_type, **options)


class Bytes:
    """A message that stays bytes."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = data

    def SerializeToString(self) -> bytes:
        return self.data

    @classmethod
    def FromString(cls, data: bytes) -> Bytes:
        return cls(data)


class Gateway(PuppetService):
    """One connection, used once: `start`, `events`, and after its end `close`."""

    def __init__(self, host: str, port: int, token: str, context: ssl.SSLContext | None, deadline: float) -> None:
        super().__init__(PuppetOptions(token=token, end_point=f"{host}:{port}"))
        self._host, self._port, self._token, self._context, self._limit = host, port, token, context, deadline
        self._swift: swift.Swift | None = None
        config = Configuration(ssl_target_name_override=host) if context else None
        self.channel = Channel(host, port, ssl=context, config=config)
        # Old gateways read the token from the authority, newer ones from the header as well.
        self.channel._authority = token
        stub = Stub(self.channel, metadata={"authorization": f"Wechaty {token}"})
        stub.call_timeout = deadline
        self._puppet_stub = stub

    async def begin(self) -> None:
        """`Start` alone: upstream's Stop before it would log the account out."""
        await asked(self.puppet_stub.start())

    async def events(self) -> AsyncIterator[tuple[int, str]]:
        """(type, JSON) as they come, until the stream ends; a stream that could not be kept is a GatewayError."""
        try:
            async with contextlib.aclosing(self.puppet_stub.event()) as stream:
                async for event in stream:
                    yield int(event.type), event.payload
        except (TimeoutError, GRPCError, StreamTerminatedError, OSError) as error:
            raise explained(error) from error

    async def probe(self, data: str) -> None:
        """The answer, a dong, comes over the stream."""
        await asked(self.puppet_stub.ding(data=data))

    async def message(self, message: str) -> Message:
        """One payload; over the swift connection, or the SDK's when that one is broken."""
        try:
            data = await (await self._swiftly()).call(request_of(message))
        except (TimeoutError, swift.SwiftError, OSError) as error:
            if isinstance(error, swift.SwiftError) and error.status is not None:
                raise GatewayError(Fault.LOST, str(error), final=error.status != Status.UNAVAILABLE.value) from None
            answer: Bytes = await asked(self.puppet_stub._unary_unary(PAYLOAD, Bytes(request_of(message)), Bytes))
            data = answer.data
        return read_message(data)

    async def _swiftly(self) -> swift.Swift:
        if self._swift is None or not self._swift.usable:
            connection = await swift.connect(
                self._host, self._port, PAYLOAD, self._token, self._context, self._limit
            )
            if self._swift is not None and self._swift.usable:
                connection.close()
            else:
                self._swift = connection
        return self._swift

    async def rooms(self) -> list[str]:
        return list((await asked(self.puppet_stub.room_list())).ids)

    async def room(self, room: str) -> Room:
        """Its members may be missing or old in here; `members` asks for them."""
        found = await asked(self.puppet_stub.room_payload(id=room))
        return Room(room, found.topic, found.owner_id, tuple(found.admin_ids), tuple(found.member_ids))

    async def members(self, room: str) -> list[str]:
        return list((await asked(self.puppet_stub.room_member_list(id=room))).member_ids)

    async def membership(self, room: str, person: str) -> Membership:
        found = await asked(self.puppet_stub.room_member_payload(id=room, member_id=person))
        return Membership(person, found.name, found.room_alias)

    async def contact(self, person: str) -> Contact:
        found = await asked(self.puppet_stub.contact_payload(id=person))
        return Contact(person, found.name, found.alias, bool(found.friend))

    async def link_title(self, message: str, mini_program: bool) -> str:
        if mini_program:
            given = (await asked(self.puppet_stub.message_mini_program(id=message))).mini_program
        else:
            given = (await asked(self.puppet_stub.message_url(id=message))).url_link
        told = json.loads(given or "{}")
        parts = [told.get("title"), told.get("description"), told.get("url")] if isinstance(told, dict) else []
        return " ".join(part for part in parts if isinstance(part, str) and part)

    async def say(self, conversation: str, text: str, mentions: tuple[str, ...] = ()) -> str:
        return str(await asked(self.message_send_text(conversation, text, list(mentions))))

    async def show(self, conversation: str, title: str, description: str, url: str) -> str:
        """A link card; the SDK's own UrlLink would fetch the page first, and block the loop."""
        link = json.dumps({"title": title, "description": description, "url": url}, ensure_ascii=False)
        return str(await asked(self.message_send_url(conversation, link)))

    async def give(self, conversation: str, name: str, content: bytes) -> str:
        """Its box is written here: the SDK's own warns of itself on every use."""
        media = mimetypes.guess_type(name)[0] or "application/octet-stream"
        box = {"boxType": BASE64_BOX, "name": name, "mediaType": media, "base64": base64.b64encode(content).decode()}
        call = self.puppet_stub.message_send_file(conversation_id=conversation, filebox=json.dumps(box))
        return str((await asked(call)).id)

    async def accept_friend(self, friendship: str) -> str | None:
        """Accept who asks to become a friend; gives the person, or None for any other word of friendship."""
        found = await asked(self.puppet_stub.friendship_payload(id=friendship))
        if int(found.type) != 2:
            return None
        await asked(self.puppet_stub.friendship_accept(id=friendship))
        return str(found.contact_id)

    async def accept_invitation(self, invitation: str) -> None:
        await asked(self.puppet_stub.room_invitation_accept(id=invitation))

    def shut(self) -> None:
        if self._swift is not None:
            self._swift.close()
        assert self.channel is not None
        self.channel.close()


async def asked(call: Awaitable[Result]) -> Result:
    try:
        return await call
    except (TimeoutError, GRPCError, StreamTerminatedError, OSError) as error:
        raise explained(error) from error


def explained(error: Exception) -> GatewayError:
    """Timeouts first: they are OSErrors too."""
    if isinstance(error, GRPCError):
        fault = STATUSES.get(error.status, Fault.LOST)
        if error.status is Status.DEADLINE_EXCEEDED:
            return GatewayError(Fault.FROZEN)
        final = fault is Fault.LOST and error.status is not Status.UNAVAILABLE
        return GatewayError(fault, swift.first_line(str(error.message or "")), final=final)
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return GatewayError(Fault.FROZEN)
    return GatewayError(Fault.ABSENT if isinstance(error, OSError) else Fault.LOST, str(error))


def context_of(ca_file: str | None) -> ssl.SSLContext:
    """With a CA file of its own the gateway is known by its signature, whatever name is in its certificate."""
    context = ssl.create_default_context(cafile=ca_file)
    context.set_alpn_protocols(["h2"])
    if ca_file is not None:
        context.check_hostname = False
    return context
