"""Protecting the connection: what the user hears of it, and what survives a restart."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
import logging
from pathlib import Path
import shutil
import ssl
from typing import Any

from aiohttp import ClientError, WSServerHandshakeError, encode_basic_auth
from homeassistant.components import persistent_notification
from homeassistant.components.http.ban import IP_BANS_FILE
from homeassistant.components.repairs import repairs_flow_manager
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Context, HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError, Unauthorized
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockUser,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ocpp_central.const import DOMAIN
from simulator import Charger, ManualClock
from simulator.certificates import hash_data

from .certificates import Certificates, Issued, ec_key
from .common import System, charge_point, config_entry, until

OLD, NEW = "old password 123", "new password 123"
KIND = "CentralSystemRootCertificate"


def issues(hass: HomeAssistant) -> set[str]:
    """Return the repairs that the user sees."""
    return {
        issue.translation_key or ""
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN and issue.active
    }


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the integration has complained about."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING
        and record.name.startswith("custom_components.ocpp_central.")
    ]


def change(system: System, **more: Any) -> None:
    """Change the charge point, as its flow does."""
    [subentry] = system.entry.subentries.values()
    system.hass.config_entries.async_update_subentry(
        system.entry, subentry, data={**subentry.data, **more}
    )


def password(system: System) -> str | None:
    """Return the password that is configured."""
    [subentry] = system.entry.subentries.values()
    return subentry.data.get("password")


def headers(secret: str, user: str = "GARAGE") -> dict[str, str]:
    """Return the header for Basic authentication."""
    return {"Authorization": encode_basic_auth(user, secret)}


async def refused(system: System, **more: Any) -> int:
    """Dial in vain and return the status one is refused with."""
    with pytest.raises(WSServerHandshakeError) as error:
        await system.dial(**more)
    return error.value.status


# --- Passwords -------------------------------------------------------------------------


async def test_refused_is_told_once(
    system: System, caplog: pytest.LogCaptureFixture
) -> None:
    """A charger that dials in every minute fills no log; let in, all is forgiven."""
    hass = system.hass
    change(system, password=NEW)
    await hass.async_block_till_done()
    for _ in range(3):
        assert await refused(system, headers=headers("wrong")) == 401
    assert await refused(system) == 401
    assert issues(hass) == {"wrong_password"}
    assert warnings(caplog) == ["Charge point GARAGE: wrong password"]
    # Whose password it is says who it is; the user name is the charger's business.
    await system.dial(headers=headers(NEW, "somebody else"))
    assert issues(hass) == set()
    assert await refused(system, headers=headers("wrong")) == 401
    assert len(warnings(caplog)) == 2


@pytest.fixture
async def banning(hass: HomeAssistant) -> None:
    """Ban whoever tries to break in twice."""
    config = {"ip_ban_enabled": True, "login_attempts_threshold": 2}
    assert await async_setup_component(hass, "http", {"http": config})
    assert await async_setup_component(hass, "api", {})


async def test_no_ban(
    banning: None, system: System, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """Home Assistant bans who breaks in, not a charger with an old password."""
    hass = system.hass
    change(system, password=NEW)
    await hass.async_block_till_done()
    client = await hass_client_no_auth()
    for secret in ("wrong", OLD, "wrong again", "wrong"):
        with pytest.raises(WSServerHandshakeError) as error:
            await client.ws_connect(
                "/api/ocpp_central/GARAGE",
                protocols=("ocpp1.6",),
                headers=headers(secret),
            )
        assert error.value.status == HTTPStatus.UNAUTHORIZED
    await hass.async_block_till_done()
    assert not Path(hass.config.path(IP_BANS_FILE)).exists()
    assert not persistent_notification._async_get_or_create_notifications(hass)  # noqa: SLF001
    # Somebody who does break in would be.
    for status in (401, 401, 403):
        response = await client.get("/api/config")
        assert response.status == status
    assert Path(hass.config.path(IP_BANS_FILE)).exists()


@pytest.fixture
async def charger(system: System) -> Charger:
    """Return a charger with a password, that has the security extensions."""
    change(system, password=OLD)
    await system.hass.async_block_till_done()
    return await system.connect(password=OLD, security={"profile": 1})


async def settled(system: System, condition: Callable[[], bool]) -> None:
    """Wait until something has come of what the charger was told."""
    charger = system.chargers[0]
    await charger.wait_for(condition)
    await charger.connected()
    await system.rest()


async def test_new_password(system: System, charger: Charger) -> None:
    """The charger is given its new password, comes back with it, and the old one goes."""
    change(system, password=NEW)
    await system.hass.async_block_till_done()
    await settled(system, lambda: charger.security.password == NEW.encode())
    assert await refused(system, headers=headers(OLD)) == 401
    assert charger.accepted
    assert charger.violations == []
    assert password(system) == NEW


async def test_new_password_and_a_restart(system: System, charger: Charger) -> None:
    """A charger that was away while Home Assistant was restarted gets it all the same."""
    await charger.drop()
    change(system, password=NEW)
    await system.hass.async_block_till_done()
    await system.restart()
    await charger.reconnect()
    await settled(system, lambda: charger.security.password == NEW.encode())
    assert await refused(system, headers=headers(OLD)) == 401
    await system.restart()
    assert await refused(system, headers=headers(OLD)) == 401
    await charger.reconnect()
    assert charger.violations == []


async def test_new_password_refused(
    system: System, charger: Charger, caplog: pytest.LogCaptureFixture
) -> None:
    """The user hears that the charger goes on with the old one, over a restart too."""
    hass = system.hass
    charger.answer("ChangeConfiguration", {"status": "Rejected"})
    change(system, password=NEW)
    await until(hass, lambda: issues(hass) == {"password_refused"})
    await system.restart()
    assert issues(hass) == {"password_refused"}
    await charger.reconnect()
    assert charger.accepted
    assert issues(hass) == {"password_refused"}
    expected = "Charge point GARAGE: it did not take its new password"
    assert set(warnings(caplog)) == {expected}
    await system.dial(headers=headers(NEW))
    await hass.async_block_till_done()
    assert issues(hass) == set()
    assert await refused(system, headers=headers(OLD)) == 401


async def test_new_password_after_a_restart_of_the_charger(
    system: System, charger: Charger
) -> None:
    """The restart is offered as for any other setting."""
    hass = system.hass
    charger.security.password_needs_reboot = True
    change(system, password=NEW)
    await until(hass, lambda: issues(hass) == {"reboot_required"})
    await charger.drop()
    await charger.reconnect()
    await system.rest()
    assert charger.accepted
    assert "password_refused" not in issues(hass)
    await charger.reboot()
    await charger.reconnect()
    await system.rest()
    assert charger.security.password == NEW.encode()
    assert issues(hass) == set()
    assert await refused(system, headers=headers(OLD)) == 401
    assert charger.violations == []


async def test_key_set_by_hand(system: System, charger: Charger) -> None:
    """A key that is set by the action becomes the password, over a restart as well."""
    key = "00112233445566778899aabbccddeeff"
    await system.act("set_configuration", key="AuthorizationKey", value=key)
    await settled(system, lambda: charger.security.password == bytes.fromhex(key))
    assert password(system) == key
    assert await refused(system, headers=headers(OLD)) == 401
    await system.restart()
    await charger.reconnect()
    assert charger.accepted
    assert charger.violations == []


async def test_key_is_no_secret_that_is_told(system: System, charger: Charger) -> None:
    """What is asked for is answered without the key."""
    answer = await system.act(
        "get_configuration", response=True, keys=["authorizationkey"]
    )
    assert answer["known"] == [
        {"key": "AuthorizationKey", "value": None, "readonly": False}
    ]


# --- Encryption ------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, certificates: Certificates) -> Path:
    """Return a folder with a certificate that may be renewed."""
    shutil.copy(certificates.rsa.path, tmp_path / "certificate.pem")
    return tmp_path


@pytest.fixture
async def encrypted(
    hass: HomeAssistant,
    socket_enabled: None,
    fast: None,
    clock: ManualClock,
    folder: Path,
    certificates: Certificates,
    unused_tcp_port_factory: Callable[[], int],
) -> AsyncGenerator[System]:
    """Run a central system that encrypts, asks for certificates and signs them."""
    # In debug mode asyncio makes an exception of each handshake that fails.
    hass.loop.set_debug(False)
    port = unused_tcp_port_factory()
    entry = config_entry(
        port,
        charge_point(),
        certificate=str(folder / "certificate.pem"),
        client_ca=certificates.charger_ca.path,
        client_ca_key=certificates.charger_ca.key_path,
    )
    entry.add_to_hass(hass)
    system = System(hass, port, clock, entry)
    await system.set_up()
    yield system
    await system.close()


def security(system: System, tls: ssl.SSLContext, profile: int = 3) -> dict[str, Any]:
    """Return how a simulated charger dials in with encryption."""
    return {
        "profile": profile,
        "tls": tls,
        "secure_url": f"wss://127.0.0.1:{system.port}",
    }


async def shown(system: System) -> str:
    """Return the certificate that the central system shows."""
    return await asyncio.to_thread(
        ssl.get_server_certificate, ("127.0.0.1", system.port)
    )


async def look(system: System) -> None:
    """Let it be looked whether the certificate was renewed."""
    async_fire_time_changed(system.hass, datetime.now(UTC) + timedelta(hours=2))
    await system.hass.async_block_till_done(wait_background_tasks=True)


async def dial(
    system: System, tls: ssl.SSLContext, identity: str = "GARAGE", **more: Any
) -> Any:
    """Open an encrypted socket."""
    system.scheme = "wss"
    return await system.dial(identity, ssl=tls, **more)


async def test_client_certificates(
    encrypted: System, certificates: Certificates
) -> None:
    """A charger with a certificate in its name is let in."""
    tls = certificates.client(certificates.charger)
    charger = await encrypted.connect(security=security(encrypted, tls))
    assert charger.accepted
    assert encrypted.value("binary_sensor", "connected", 0) == "on"
    assert charger.violations == []


@pytest.mark.parametrize(
    ("kind", "issue"),
    [
        (None, "certificate_missing"),
        ("other", "wrong_certificate"),
        ("expired", "client_certificate"),
        ("foreign", "client_certificate"),
    ],
)
async def test_refused_certificates(
    encrypted: System,
    certificates: Certificates,
    caplog: pytest.LogCaptureFixture,
    kind: str | None,
    issue: str,
) -> None:
    """The user hears why, once; let in, all is forgiven."""
    hass = encrypted.hass
    bad: Issued | None = getattr(certificates, kind) if kind else None
    for _ in range(2):
        with pytest.raises((ClientError, ConnectionError)):
            await dial(encrypted, certificates.client(bad))
    await hass.async_block_till_done()
    assert issues(hass) == {issue}
    assert len(warnings(caplog)) == 1
    await dial(encrypted, certificates.client(certificates.charger))
    await hass.async_block_till_done()
    assert issues(hass) == set()


async def test_plain_connection(
    encrypted: System,
    certificates: Certificates,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A charger that does not encrypt is told of."""
    hass = encrypted.hass
    for _ in range(2):
        with pytest.raises((ClientError, ConnectionError)):
            await encrypted.dial()
    await hass.async_block_till_done()
    assert issues(hass) == {"plain_connection"}
    assert warnings(caplog) == [
        "A charge point could not connect: its connection is not encrypted"
    ]
    assert await hass.config_entries.async_unload(encrypted.entry.entry_id)
    assert issues(hass) == set()


async def test_renewed_certificate(
    encrypted: System, certificates: Certificates, folder: Path
) -> None:
    """A renewed certificate is served without closing a socket."""
    raw = await dial(encrypted, certificates.client(certificates.charger))
    assert await shown(encrypted) == certificates.rsa.pem
    shutil.copy(certificates.ecdsa.path, folder / "certificate.pem")
    await look(encrypted)
    assert await shown(encrypted) == certificates.ecdsa.pem
    await raw.alive()


async def test_badly_renewed_certificate(
    encrypted: System,
    certificates: Certificates,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is half written is left alone, until it is whole."""
    (folder / "certificate.pem").write_text("Dear diary")
    await look(encrypted)
    assert await shown(encrypted) == certificates.rsa.pem
    assert "The renewed certificate cannot be used" in caplog.text
    shutil.copy(certificates.ecdsa.path, folder / "certificate.pem")
    await look(encrypted)
    assert await shown(encrypted) == certificates.ecdsa.pem


async def test_authority_that_cannot_be_used(
    encrypted: System, certificates: Certificates
) -> None:
    """A key that belongs to another authority is an error."""
    hass, entry = encrypted.hass, encrypted.entry
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "client_ca_key": certificates.server_ca.key_path}
    )
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == "certificate"


async def test_certificate_that_expires(
    encrypted: System, certificates: Certificates, folder: Path
) -> None:
    """The user hears of it in time, and no more once it is renewed."""
    hass = encrypted.hass
    ends = datetime.now(UTC) + timedelta(days=10)
    begins = ends - timedelta(days=90)
    soon = certificates.server_ca.issue("localhost", ec_key(), begins=begins, ends=ends)
    shutil.copy(soon.path, folder / "certificate.pem")
    await encrypted.restart()
    assert issues(hass) == {"certificate_expires"}
    [issue] = ir.async_get(hass).issues.values()
    assert issue.translation_placeholders == {
        "file": str(folder / "certificate.pem"),
        "date": ends.date().isoformat(),
    }
    shutil.copy(certificates.rsa.path, folder / "certificate.pem")
    await look(encrypted)
    assert issues(hass) == set()
    # One that is only ever valid for days is no reason to worry.
    begins = ends - timedelta(days=12)
    short = certificates.server_ca.issue(
        "localhost", ec_key(), begins=begins, ends=ends
    )
    shutil.copy(short.path, folder / "certificate.pem")
    await look(encrypted)
    assert issues(hass) == set()
    assert await shown(encrypted) == short.pem


# --- Raising the profile ---------------------------------------------------------------


async def test_raised_profile(
    encrypted: System,
    certificates: Certificates,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """The charger comes back the new way, and only then the old one is refused."""
    hass = encrypted.hass
    assert await async_setup_component(hass, "repairs", {})
    change(encrypted, password=OLD)
    client = await hass_client_no_auth()
    url = f"ws://127.0.0.1:{client.server.port}/api/ocpp_central"
    charger = encrypted.charger(
        password=OLD, security=security(encrypted, certificates.client(), 1)
    )
    charger.security._url = url  # noqa: SLF001
    await charger.start()
    await encrypted.rest()
    await encrypted.act("set_configuration", key="SecurityProfile", value="2")
    await settled(encrypted, lambda: charger.security.profile == 2 and charger.accepted)
    state = encrypted.entry.runtime_data.central.charge_points["garage"].security.state
    assert state.required == 2
    await encrypted.restart()
    with pytest.raises(WSServerHandshakeError) as error:
        await client.ws_connect(
            "/api/ocpp_central/GARAGE", protocols=("ocpp1.6",), headers=headers(OLD)
        )
    assert error.value.status == HTTPStatus.FORBIDDEN
    assert issues(hass) == {"insecure"}

    manager = repairs_flow_manager(hass)
    assert manager
    flow = await manager.async_init(DOMAIN, data={"issue_id": "insecure_garage"})
    assert flow["type"] is FlowResultType.FORM
    flow = await manager.async_configure(flow["flow_id"], {})
    assert flow["type"] is FlowResultType.CREATE_ENTRY
    socket = await client.ws_connect(
        "/api/ocpp_central/GARAGE", protocols=("ocpp1.6",), headers=headers(OLD)
    )
    await socket.close()
    await charger.reconnect()
    assert charger.violations == []


async def test_raised_profile_that_fails(
    encrypted: System,
    certificates: Certificates,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """A charger that cannot connect the new way comes back the old way."""
    change(encrypted, password=OLD)
    client = await hass_client_no_auth()
    charger = encrypted.charger(
        password=OLD, security=security(encrypted, ssl.create_default_context(), 1)
    )
    charger.security._url = f"ws://127.0.0.1:{client.server.port}/api/ocpp_central"  # noqa: SLF001
    await charger.start()
    await encrypted.rest()
    await encrypted.act("set_configuration", key="SecurityProfile", value="2")
    await charger.wait_for(lambda: not charger.accepted)
    await charger.settle()
    await charger.reconnect()
    assert charger.security.profile == 1
    assert charger.accepted
    await charger.stop()


# --- Certificates ----------------------------------------------------------------------


async def test_sign_certificate(encrypted: System, certificates: Certificates) -> None:
    """A charger asks for a certificate, gets it, and goes on with it alone."""
    change(encrypted, password=OLD)
    tls = certificates.client()
    charger = await encrypted.connect(
        password=OLD, security=security(encrypted, tls, 2)
    )
    answer = await charger.call("SignCertificate", {"csr": charger.security.request()})
    assert answer == {"status": "Accepted"}
    await charger.wait_for(lambda: charger.security.certificate is not None)
    await charger.settle()
    await encrypted.act("set_configuration", key="SecurityProfile", value="3")
    await settled(encrypted, lambda: charger.security.profile == 3)
    state = encrypted.entry.runtime_data.central.charge_points["garage"].security
    assert state.profile == 3
    assert charger.violations == []


async def test_certificate_that_is_not_what_was_asked_for(
    encrypted: System, certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    """A charger that has meanwhile made another key refuses it."""
    tls = certificates.client(certificates.charger)
    charger = await encrypted.connect(security=security(encrypted, tls))
    csr = charger.security.request()
    charger.security.request()
    answer = await charger.call("SignCertificate", {"csr": csr})
    assert answer == {"status": "Accepted"}
    await asyncio.wait(
        [
            task
            for task in asyncio.all_tasks()
            if task.get_name() == "GARAGE deliver its certificate"
        ]
    )
    assert "CertificateSigned: Rejected" in caplog.text


async def test_certificate_and_a_restart(
    encrypted: System, certificates: Certificates
) -> None:
    """A certificate that did not arrive is sent after a restart."""
    tls = certificates.client(certificates.charger)
    charger = await encrypted.connect(security=security(encrypted, tls))
    charger.never_answer("CertificateSigned", times=1)
    await charger.call("SignCertificate", {"csr": charger.security.request()})
    await charger.wait_for(lambda: charger.requests[-1][0] == "CertificateSigned")
    await encrypted.restart()
    await charger.reconnect()
    await charger.wait_for(lambda: charger.security.certificate is not None)
    assert charger.violations == []


async def test_certificates(system: System, certificates: Certificates) -> None:
    """Every answer a charger has about the certificates it trusts."""
    charger = await system.connect(security={"profile": 0})
    roots = [
        maker.issued for maker in (certificates.server_ca, certificates.charger_ca)
    ]
    act = system.act
    assert await act(
        "get_installed_certificate_ids", response=True, certificate_type=KIND
    ) == {"status": "NotFound"}

    async def install(certificate: str) -> str:
        answer = await act(
            "install_certificate",
            response=True,
            certificate_type=KIND,
            certificate=certificate,
        )
        return str(answer["status"])

    for root in roots:
        assert await install(root.pem) == "Accepted"
    assert await install(certificates.rsa.pem) == "Failed"
    assert await install("Dear diary") == "Rejected"
    with pytest.raises(HomeAssistantError, match="Rejected"):
        await act("install_certificate", certificate_type=KIND, certificate="x")
    answer = await act(
        "get_installed_certificate_ids", response=True, certificate_type=KIND
    )
    assert answer == {
        "status": "Accepted",
        "certificateHashData": [hash_data(root.certificate) for root in roots],
    }

    async def delete(certificate_hash_data: dict[str, str]) -> str:
        answer = await act(
            "delete_certificate",
            response=True,
            certificate_hash_data=certificate_hash_data,
        )
        return str(answer["status"])

    first, second = answer["certificateHashData"]
    assert await delete(first) == "Accepted"
    assert await delete(first) == "NotFound"
    charger.configuration.set("SecurityProfile", "2")
    assert await delete(second) == "Failed"
    with pytest.raises(HomeAssistantError, match="Failed"):
        await act("delete_certificate", certificate_hash_data=second)
    with pytest.raises(HomeAssistantError):
        await act("delete_certificate", certificate_hash_data={"serialNumber": "1"})
    with pytest.raises(HomeAssistantError):
        await act("install_certificate", certificate_type="x", certificate="x")
    assert charger.violations == []


async def test_only_administrators(
    system: System, hass_read_only_user: MockUser
) -> None:
    """Whom a charger trusts is nothing for everybody."""
    kind = {"certificate_type": KIND}
    for action, data in (
        ("install_certificate", {**kind, "certificate": "x"}),
        ("delete_certificate", {"certificate_hash_data": {}}),
        ("get_installed_certificate_ids", kind),
    ):
        with pytest.raises(Unauthorized):
            await system.hass.services.async_call(
                DOMAIN,
                action,
                {"device_id": system.device(), **data},
                blocking=True,
                return_response=True,
                context=Context(user_id=hass_read_only_user.id),
            )
