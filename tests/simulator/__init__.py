"""Tests of the simulated charge point."""
