# Home Assistant puts probatio in voluptuous' place when it starts.
from probatio import *  # noqa: F403, TID251
