"""Passwords as hashes: argon2id with the library's parameters (RFC 9106), in a thread, a few at a time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

HASHER = PasswordHasher()
# Each takes 64 MB while it works: so many at once, the others wait.
WORKERS = ThreadPoolExecutor(2, thread_name_prefix="password")


async def hashed(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(WORKERS, HASHER.hash, password)


async def verified(password: str, known: str | None) -> bool:
    """Against no password at all it takes as long, so that nobody learns from the time which logins there are."""
    right = await asyncio.get_running_loop().run_in_executor(WORKERS, _verify, known or "", password)
    return right and bool(known)


def _verify(known: str, password: str) -> bool:
    try:
        return HASHER.verify(known or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    return HASHER.hash("nobody has this password")
