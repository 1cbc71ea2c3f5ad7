"""Tests that take minutes when run in full; `script/kill-test` runs them so."""


class Wrong(Exception):
    """Something was lost, or is not as a charger knows it."""
