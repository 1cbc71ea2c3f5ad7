"""OCPP 2.0.1 and 2.1: certificates that a charger asks for."""

from base64 import b64encode
from pathlib import Path

from cryptography import x509
import pytest

from custom_components.ocpp_central.csms.certificates import load_authority
from tests.certificates import Certificates, ec_key, request

from .common import Central, Payload
from .common2 import BOOT, both_versions, unknown_variables

PASSWORD = "a good long password"


@both_versions
@pytest.mark.parametrize("use", [None, "ChargingStationCertificate"])
async def test_sign_certificate(
    central: Central, certificates: Certificates, version: str, use: str | None
) -> None:
    """It gets one for itself, with the number that it asked with."""
    maker = certificates.charger_ca
    central.system.signing.authority = load_authority(
        Path(maker.path).read_bytes(), Path(maker.key_path).read_bytes()
    )
    await central.add("CP1", password=PASSWORD)
    charger = await central.dial(
        "/CP1",
        protocols=(f"ocpp{version}",),
        headers={
            "Authorization": "Basic " + b64encode(f"CP1:{PASSWORD}".encode()).decode()
        },
    )
    charger.answers["GetVariables"] = unknown_variables
    await charger.call("BootNotification", BOOT)
    payload: Payload = {"csr": request(ec_key(), "CP1")}
    if use:
        payload["certificateType"] = use
    if version == "2.1":
        payload["requestId"] = 17
    assert await charger.call("SignCertificate", payload) == {"status": "Accepted"}
    sent = (await charger.called("CertificateSigned")).payload
    [certificate] = x509.load_pem_x509_certificates(
        sent.pop("certificateChain").encode()
    )
    certificate.verify_directly_issued_by(maker.issued.certificate)
    number = {"requestId": 17} if version == "2.1" else {}
    assert sent == {"certificateType": "ChargingStationCertificate", **number}
    for_cars = {**payload, "certificateType": "V2GCertificate"}
    assert await charger.call("SignCertificate", for_cars) == {"status": "Rejected"}
