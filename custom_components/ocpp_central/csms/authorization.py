"""Who may charge, and the answer a charger gets."""

from .model import AuthorizationStatus


class AnyToken:
    """Every token may charge."""

    def authorize(self, identity: str, id_token: str) -> AuthorizationStatus:
        """Return Accepted."""
        return AuthorizationStatus.ACCEPTED
