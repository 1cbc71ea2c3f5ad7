"""The sessions on disk."""

from .errors import LedgerError, LedgerTooNewError
from .ledger import Ledger

__all__ = ["Ledger", "LedgerError", "LedgerTooNewError"]
