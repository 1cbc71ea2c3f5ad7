"""The OCPP central system. Nothing in here knows Home Assistant."""
