"""A single sign-on by OpenID Connect: code flow with PKCE; nothing but the configured issuer is ever contacted.

Imported when it is used: its libraries are large, and most houses have no single sign-on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from requests import RequestException
from requests.adapters import HTTPAdapter

from bot.signon import SignOnError
from config.settings import OidcSettings

TIMEOUT = 10
LEEWAY = 60
# Signed by the issuer's own key; never by the client's secret, never by nobody.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What the browser keeps while its reader is away, and where they go."""

    url: str
    state: str
    nonce: str
    verifier: str


class SingleSignOn:
    """Blocking: to be called in a thread."""

    def __init__(self, settings: OidcSettings, redirect: str) -> None:
        self.settings = settings
        parts = urlsplit(settings.issuer)
        self.origin = f"{parts.scheme}://{parts.netloc}/"
        self._session = OAuth2Session(
            settings.client_id,
            settings.client_secret.get_secret_value() or None,
            token_endpoint_auth_method="client_secret_basic" if settings.client_secret.get_secret_value() else "none",
            scope=settings.scopes,
            redirect_uri=redirect,
            code_challenge_method="S256",
        )
        # No proxy of the environment, and no adapter for any other host: whatever an answer names is not contacted.
        self._session.trust_env = False
        self._session.adapters.clear()
        self._session.mount(self.origin, HTTPAdapter())

    def start(self) -> Started:
        facts = self._facts()
        verifier, nonce = generate_token(64), generate_token(32)
        url, state = self._session.create_authorization_url(
            self._own(facts, "authorization_endpoint"), nonce=nonce, code_verifier=verifier
        )
        return Started(url=str(url), state=str(state), nonce=nonce, verifier=verifier)

    def finish(self, answer: str, state: str, nonce: str, verifier: str, now: datetime) -> dict[str, Any]:
        """The claims of who came back; `answer` is the whole address that they came back with."""
        facts = self._facts()
        try:
            token = self._session.fetch_token(
                self._own(facts, "token_endpoint"), authorization_response=answer, state=state, code_verifier=verifier,
                timeout=TIMEOUT,
            )  # fmt: skip
            keys = KeySet.import_key_set(self._get(self._own(facts, "jwks_uri")))
            decoded = jwt.decode(token["id_token"], keys, algorithms=ALGORITHMS)
            options = {
                "iss": {"essential": True, "value": facts["issuer"]},
                "aud": {"essential": True, "value": self.settings.client_id},
            }
            params = {"nonce": nonce, "client_id": self.settings.client_id, "access_token": token.get("access_token")}
            claims = CodeIDToken(decoded.claims, decoded.header, options, params)
            claims.validate(now=int(now.timestamp()), leeway=LEEWAY)
        except (AuthlibBaseError, JoseError, RequestException, KeyError, ValueError, TypeError) as error:
            raise SignOnError("统一身份认证没有通过，请回到登录页重试；还不行请联系管理员查看日志。") from error
        return dict(claims)

    def _facts(self) -> dict[str, Any]:
        facts = self._get(self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if not isinstance(facts, dict) or str(facts.get("issuer")).rstrip("/") != self.settings.issuer.rstrip("/"):
            raise SignOnError("统一身份认证的发行方与设置 office.oidc.issuer 不一致，请联系管理员。")
        return facts

    def _own(self, facts: Mapping[str, Any], name: str) -> str:
        """An address of the issuer's own host; another one is refused before anybody is sent there."""
        address = str(facts.get(name, ""))
        if not address.startswith(self.origin):
            raise SignOnError(f"统一身份认证的 {name} 不在发行方自己的地址上，已拒绝。请联系管理员。")
        return address

    def _get(self, address: str) -> Any:
        try:
            answer = self._session.get(address, withhold_token=True, timeout=TIMEOUT, allow_redirects=False)
            answer.raise_for_status()
            if answer.status_code != 200:
                raise ValueError(f"status {answer.status_code}")
            return answer.json()
        except (RequestException, ValueError) as error:
            raise SignOnError("连不上统一身份认证，请稍后再试，或用登录名和密码登录。") from error
