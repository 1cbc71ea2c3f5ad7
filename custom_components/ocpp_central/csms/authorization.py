"""Who may charge, and the answer a charger gets."""

from .model import Authorization, AuthorizationStatus, AuthorizedBy

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


def authorized_by(
    id_token: str, answer: Authorization, *, offline: bool, remote: bool
) -> AuthorizedBy:
    """Return how a session came to be allowed."""
    if not is_card(id_token):
        return AuthorizedBy.NONE
    if offline:
        return AuthorizedBy.LOCAL_LIST if answer.listed else AuthorizedBy.UNKNOWN
    return AuthorizedBy.REMOTE if remote else AuthorizedBy.ONLINE
