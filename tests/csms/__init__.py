"""Tests of the central system, over real sockets and without Home Assistant."""
