"""What a charger dials, and how it proves who it is."""

from collections.abc import Callable
import ssl


class Login:
    """The credentials of the connection profile in use."""

    def __init__(
        self,
        url: str,
        password: str | bytes | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Dial this, with that."""
        self.url = url
        self.tls = tls
        #: Told when the charger is to dial again.
        self.redial: Callable[[], None] = lambda: None
        #: Told when the central system has let the charger in, and when it has not.
        self.connected: Callable[[], None] = lambda: None
        self.failed: Callable[[], None] = lambda: None
        self.password = password.encode() if isinstance(password, str) else password

    def change_password(self, password: str) -> None:
        """Connect anew with another password."""
        self.password = password.encode()
        self.redial()
