"""Texts with gaps in them: what the code fills in is what the text leaves open."""

import ast
from collections.abc import Iterator
import json
from pathlib import Path
import string
from typing import Any

from custom_components.ocpp_central.csms.admission import Refusal
from custom_components.ocpp_central.csms.local_list import ListProblem

# Keys that are no constants, by the name of their variable.
VARIABLES = {
    # What is missing here is told in words of its own.
    "refusal": [
        refusal.value for refusal in Refusal if refusal is not Refusal.OTHER_VERSION
    ],
    "problem": [problem.value for problem in ListProblem],
}
INTEGRATION = Path(__file__).parents[1] / "custom_components" / "ocpp_central"


# What the forms of repairs fill in themselves.
IN_FORMS = {"fail_safe_unverified": {"fallback", "limit"}}


def _texts() -> dict[str, set[str]]:
    """Return the gaps of each error and repair, but for what goes wrong in a repair."""
    strings = json.loads((INTEGRATION / "translations" / "en.json").read_text("utf-8"))
    return {
        key: {gap for text in entry.values() for gap in _gaps(text)}
        for section in ("exceptions", "issues")
        for key, entry in strings[section].items()
    }


def _gaps(text: Any) -> Iterator[str]:
    if isinstance(text, dict):
        for name, value in text.items():
            if name not in ("error", "abort"):
                yield from _gaps(value)
    else:
        yield from (name for _, name, _, _ in string.Formatter().parse(text) if name)


def _filled() -> Iterator[tuple[str, set[str]]]:
    """Return the keys of errors and repairs in the code, and what fills their gaps."""
    for path in INTEGRATION.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            words = {word.arg: word.value for word in node.keywords}
            key = words.get("translation_key")
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if "translation_domain" not in words and name != "async_create_issue":
                continue
            assert key is not None
            filled: set[str] = set()
            if (placeholders := words.get("translation_placeholders")) is not None:
                assert isinstance(placeholders, ast.Dict), ast.unparse(node)
                filled = {ast.literal_eval(key) for key in placeholders.keys if key}
            constants = [
                part.value
                for part in ast.walk(key)
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            ]
            if not constants:
                constants = VARIABLES[ast.unparse(key)]
            for constant in constants:
                yield constant, filled


def test_gaps_are_filled() -> None:
    """Each error and each repair is a whole sentence."""
    texts = _texts()
    filled = list(_filled())
    assert {key for key, _ in filled} == texts.keys()
    for key, gaps in filled:
        assert gaps | IN_FORMS.get(key, set()) == texts[key], key
