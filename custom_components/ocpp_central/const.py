"""Names shared by more than one file."""

from typing import Final

DOMAIN: Final = "ocpp_central"

DEFAULT_PORT: Final = 9000
ENDPOINT: Final = "/api/ocpp_central"

SUBENTRY_CHARGE_POINT: Final = "charge_point"
SUBENTRY_ID_TOKEN: Final = "id_token"

CONF_LISTEN: Final = "listen"
CONF_CERTIFICATE: Final = "certificate"
CONF_PRIVATE_KEY: Final = "private_key"
CONF_CLIENT_CA: Final = "client_ca"
CONF_CLIENT_CA_KEY: Final = "client_ca_key"
CONF_SERVE_ON_HA: Final = "serve_on_home_assistant"

CONF_REMOTE_TAG: Final = "remote_tag"
# Stable over restarts, and short enough for chargers that spoil long ones.
DEFAULT_REMOTE_TAG: Final = "HOMEASSISTANT"
CONF_ONE_SESSION_EACH: Final = "one_session_each"
# What scripts outside Home Assistant know; without one there is no REST API.
CONF_API_KEY: Final = "api_key"
CONF_DATA_TRANSFER_ANSWERS: Final = "data_transfer_answers"
# One of these two, or neither.
CONF_PRICE: Final = "price"
CONF_PRICE_ENTITY: Final = "price_entity"

CONF_IDENTITY: Final = "identity"
CONF_PHASES: Final = "phases"
CONF_NOMINAL_VOLTAGE: Final = "nominal_voltage"
CONF_INSTALLATION_CURRENT: Final = "installation_current"
CONF_DIRECT_CURRENT: Final = "direct_current"
CONF_CURRENT_PRESETS: Final = "current_presets"
CONF_LIMIT_WAY: Final = "limit_way"
CONF_PHASE_SWITCHING: Final = "phase_switching"
# The way that a charger is found to obey.
WAY_AUTOMATIC: Final = "automatic"
CONF_METER_INTERVAL: Final = "meter_interval"
CONF_KEEP_ALIVE: Final = "keep_alive"
CONF_SYNC_LOCAL_LIST: Final = "sync_local_list"
CONF_VERSION: Final = "version"
# The newest version of OCPP that both sides speak.
VERSION_AUTOMATIC: Final = "automatic"

CONF_TOKEN: Final = "token"
CONF_PERSON: Final = "person"
CONF_STATUS: Final = "status"
CONF_EXPIRY_DATE: Final = "expiry_date"
CONF_GROUP: Final = "group"

DEFAULT_PHASES: Final = 3
DEFAULT_NOMINAL_VOLTAGE: Final = 230
DEFAULT_INSTALLATION_CURRENT: Final = 16
DEFAULT_METER_INTERVAL: Final = 30
