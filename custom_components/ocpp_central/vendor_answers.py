"""What the user wants chargers to be answered to vendors' messages."""

from collections.abc import Iterable, Mapping
from typing import Any

from homeassistant.helpers.selector import (
    ObjectSelector,
    ObjectSelectorConfig,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
from ocpp.v16.enums import DataTransferStatus

from .csms.model import DataTransferAnswer


def vendor_answers_selector() -> ObjectSelector:
    """Return a list of answers, to be filled in."""
    text = TextSelector()
    status = SelectSelector(
        SelectSelectorConfig(
            options=[status.value for status in DataTransferStatus],
            mode=SelectSelectorMode.DROPDOWN,
        )
    )
    return ObjectSelector(
        ObjectSelectorConfig(
            multiple=True,
            label_field="vendor_id",
            description_field="status",
            translation_key="data_transfer_answer",
            fields={
                "vendor_id": {"selector": text, "required": True},
                "message_id": {"selector": text},
                "status": {"selector": status, "required": True},
                "data": {"selector": text},
            },
        )
    )


def lack_vendor(answers: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether an answer is for nobody."""
    return not all(answer["vendor_id"].strip() for answer in answers)


def vendor_answers(
    answers: Iterable[Mapping[str, Any]],
) -> tuple[DataTransferAnswer, ...]:
    """Return what the list says."""
    return tuple(
        DataTransferAnswer(
            vendor_id=answer["vendor_id"].strip(),
            message_id=(answer.get("message_id") or "").strip() or None,
            status=answer["status"],
            data=answer.get("data"),
        )
        for answer in answers
    )
