"""Lets the tests find the integration before the copy inside their harness."""
