"""The playground: a small platform of our own in a web page, and a channel like any other."""

from bot.channels.playground.channel import Playground, Refused

__all__ = ["Playground", "Refused"]
