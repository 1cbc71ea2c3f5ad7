"""Who may charge, and the answer a charger gets."""

from .model import Authorization, AuthorizationStatus

# What chargers say that were told nothing: go-e, Wallbox.
_NO_CARD = frozenset({"", "ocppd", "noauthorization"})


class AnyToken:
    """Lets every token charge."""

    def authorize(self, identity: str, id_token: str) -> Authorization:
        """Accept."""
        return Authorization(AuthorizationStatus.ACCEPTED)


def is_card(id_token: str) -> bool:
    """Return whether a token is somebody's, not what a charger says without one."""
    return id_token.casefold() not in _NO_CARD
