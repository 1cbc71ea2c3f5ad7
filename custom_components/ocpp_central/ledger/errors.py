"""What can go wrong with the ledger."""


class LedgerError(Exception):
    """The database cannot be opened, or did not take what was to be kept."""


class LedgerTooNewError(LedgerError):
    """A later version of the integration wrote the database."""
