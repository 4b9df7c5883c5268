"""Who is let in by a server, and how its clients come in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, Final
from urllib.parse import quote

from tests.servers.certificates import Certificates

ALL: Final = "~* &* +@all"
SOCKET: Final = "redis.sock"


@dataclass(frozen=True, slots=True)
class Door:
    """What a server asks of its clients: nothing, or a password, or a user's too, or TLS.

    Args:
        password: of `user`.
        user: without one `password` is that of the default user; with one the default user has
            another, which nobody knows but the server's own client.
        rights: what `user` may do, as ACL SETUSER takes it.
        tls: with these certificates, and in no other way.
    """

    password: str = ""
    user: str = ""
    rights: str = ALL
    tls: Certificates | None = None
    _keeper: str = field(default_factory=token_hex, repr=False)

    def lines(self, port: int) -> Mapping[str, str]:
        """Its lines of redis.conf, by name."""
        return {"unixsocket": SOCKET, **self._port(port), **self._passwords()}

    def url(self, address: str) -> str:
        """Where and how a client comes in at `address`, host and port."""
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@"
        url = f"{login if self.password else ''}{address}"
        return f"rediss://{url}?ssl_ca_certs={self.tls.authority}" if self.tls else f"redis://{url}"

    def keeper(self) -> dict[str, Any]:
        """How the server's own client comes in, which may do everything: for redis-py."""
        options: dict[str, Any] = {"password": self._default_password() or None}
        if self.tls:
            options |= {"ssl": True, "ssl_ca_certs": str(self.tls.authority)}
        return options

    def _port(self, port: int) -> dict[str, str]:
        if self.tls is None:
            return {"port": str(port)}
        return {
            "port": "0",
            "tls-port": str(port),
            "tls-ca-cert-file": str(self.tls.authority),
            "tls-cert-file": str(self.tls.certificate),
            "tls-key-file": str(self.tls.key),
            "tls-auth-clients": "no",
        }

    def _passwords(self) -> dict[str, str]:
        user = {f"user {self.user}": f"on >{self.password} {self.rights}"} if self.user else {}
        return {**user, "requirepass": self._default_password()}

    def _default_password(self) -> str:
        return self._keeper if self.user else self.password


OPEN: Final = Door()
