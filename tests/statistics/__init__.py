"""Tests of what Home Assistant's recorder makes of chargers, with a real recorder."""
