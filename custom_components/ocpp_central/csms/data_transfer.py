"""What a charger is answered to messages that only its vendor knows."""

from collections.abc import Iterable

from .connection import Payload
from .model import DataTransferAnswer


def answer_to(payload: Payload, answers: Iterable[DataTransferAnswer]) -> Payload:
    """Return the answer to a DataTransfer (6.15): one for the message, the vendor, or any.

    The standard wants UnknownVendorId where nobody has an answer, but chargers that
    tell how they are in such messages take that for a fault.
    """
    vendor_id, message_id = _folded(payload, "vendorId"), _folded(payload, "messageId")
    fitting = [
        answer
        for answer in answers
        if answer.vendor_id.casefold() == vendor_id
        and (not answer.message_id or answer.message_id.casefold() == message_id)
    ]
    best = max(fitting, key=lambda answer: bool(answer.message_id), default=None)
    if best is None:
        return {"status": "Accepted"}
    return {"status": best.status, **({"data": best.data} if best.data else {})}


def _folded(payload: Payload, key: str) -> str:
    return str(payload.get(key) or "").strip().casefold()
