"""A small OpenID Connect provider on a real socket; it stands in for a vendor's and speaks the documented protocol.

OpenID Connect Core 1.0 §3.1 (code flow) and Discovery 1.0 §4, RFC 7636 (PKCE, S256), keys as RFC 7517. A test says who
signs in by `claims`, and spoils what it wants to by `spoil`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "qingqun", "a-secret-of-the-client"


class Provider:
    def __init__(self, now: float) -> None:
        self.now = now
        self.key, self.stranger = (RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"}) for _ in range(2))
        self.claims: dict[str, Any] = {"sub": "u1", "name": "统一·小秦", "roles": ["jzb"]}
        self.spoil: dict[str, Any] = {}
        self.asked: list[str] = []
        self.codes: dict[str, dict[str, str]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked.append(urlsplit(self.path).path)
                provider.get(self)

            def do_POST(self) -> None:
                provider.asked.append(urlsplit(self.path).path)
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                provider.token(self, {name: one[0] for name, one in parse_qs(body).items()})

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}/realm"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        if parts.path.endswith("/.well-known/openid-configuration"):
            facts = {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
            self.answer(handler, facts | self.spoil.get("facts", {}))
        elif parts.path.endswith("/keys"):
            self.answer(handler, {"keys": [self.key.as_dict(private=False)]})
        elif parts.path.endswith("/authorize"):
            asked = {name: one[0] for name, one in parse_qs(parts.query).items()}
            assert asked["response_type"] == "code"
            assert asked["code_challenge_method"] == "S256"
            code = f"code{len(self.codes)}"
            self.codes[code] = asked
            handler.send_response(302)
            handler.send_header("location", f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")
            handler.end_headers()
        else:
            self.answer(handler, {"error": "not_found"}, 404)

    def token(self, handler: BaseHTTPRequestHandler, given: dict[str, str]) -> None:
        """A code counts once, for the client that asked, with the verifier of its challenge."""
        asked = self.codes.pop(given.get("code", ""), None)
        client = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        challenge = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        challenge_text = base64.urlsafe_b64encode(challenge).decode().rstrip("=")
        if handler.headers.get("authorization") != f"Basic {client}":
            return self.answer(handler, {"error": "invalid_client"}, 401)
        if asked is None or asked["code_challenge"] != challenge_text or asked["redirect_uri"] != given.get("redirect_uri"):
            return self.answer(handler, {"error": "invalid_grant"}, 400)
        claims = {
            "iss": self.issuer, "aud": CLIENT, "iat": int(self.now), "exp": int(self.now) + 300, "nonce": asked["nonce"],
            **self.claims, **self.spoil.get("claims", {}),
        }  # fmt: skip
        header = {"alg": "RS256", "kid": "k1"}
        signed = jwt.encode(header, claims, self.stranger if self.spoil.get("key") else self.key)
        return self.answer(handler, {"access_token": "t", "token_type": "Bearer", "expires_in": 300, "id_token": signed})

    @staticmethod
    def answer(handler: BaseHTTPRequestHandler, body: Any, status: int = 200) -> None:
        content = json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)


