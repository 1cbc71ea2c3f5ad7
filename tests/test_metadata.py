"""The files beside the code: complete, well formed, and true to the code.

Home Assistant's own validator is not to be had as a package, and leaves some of this
unchecked for custom integrations.
"""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import version as installed_version
import json
from pathlib import Path
import re
import string
import struct
from typing import Any
from urllib.parse import urlparse

from awesomeversion import AwesomeVersion, AwesomeVersionStrategy
import homeassistant
from homeassistant.const import MAJOR_VERSION, MINOR_VERSION, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.selector import validate_selector
from homeassistant.setup import async_setup_component
from homeassistant.util import package
from homeassistant.util.yaml import load_yaml_dict
from packaging.requirements import Requirement
import pytest
import voluptuous as vol

REPOSITORY = Path(__file__).parents[1]
INTEGRATION = REPOSITORY / "custom_components" / "ocpp_central"
DOMAIN = INTEGRATION.name
HOMEASSISTANT = Path(homeassistant.__file__).parent

REPOSITORY_URL = "https://github.com/ocpp-central/ocpp-central"

# Home Assistant loads these for everybody, so they need not be in the manifest.
ALWAYS_THERE = {platform.value for platform in Platform} | {
    "automation",
    "conversation",
    "frontend",
    "homeassistant",
    "onboarding",
    "persistent_notification",
    "person",
    "script",
    "sun",
    "system_health",
    "system_log",
    "webhook",
    "websocket_api",
    "zone",
}

# How an action says what it is for, beside its fields.
TARGET_KEYS = {"area_id", "device_id", "entity_id", "floor_id", "label_id"}

TRANSLATION_KEY = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")
HTML = re.compile(r"<[a-zA-Z/][^>]*>")
URL = re.compile(r"\b(\w+://|www\.)", re.IGNORECASE)


# --- Reading ---------------------------------------------------------------------------


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), f"duplicate keys among {keys}"
    return dict(pairs)


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"), object_pairs_hook=_unique_keys)


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    """Return the manifest."""
    return _json(INTEGRATION / "manifest.json")


@pytest.fixture(scope="module")
def strings() -> dict[str, Any]:
    """Return the English texts."""
    return _json(INTEGRATION / "translations" / "en.json")


@pytest.fixture(scope="module")
def icons() -> dict[str, Any]:
    """Return the icons."""
    return _json(INTEGRATION / "icons.json")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """Return the descriptions of the actions."""
    return load_yaml_dict(INTEGRATION / "services.yaml")


@cache
def _code() -> dict[Path, ast.Module]:
    return {
        path: ast.parse(path.read_text("utf-8")) for path in INTEGRATION.rglob("*.py")
    }


def _nodes[_T: ast.AST](*kinds: type[_T]) -> Iterator[_T]:
    for tree in _code().values():
        for node in ast.walk(tree):
            if isinstance(node, kinds):
                yield node


@cache
def _literals() -> set[str]:
    """Return every string constant in the code."""
    return {node.value for node in _nodes(ast.Constant) if isinstance(node.value, str)}


def _texts(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Walk through translations: path and text."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _texts(value, (*path, key))
        else:
            yield "::".join((*path, key)), value


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


# --- Manifest --------------------------------------------------------------------------


def _https(value: str) -> str:
    if urlparse(value).scheme != "https" or not urlparse(value).netloc:
        raise vol.Invalid("not an https address")
    return value


def _version(value: str) -> str:
    AwesomeVersion(value, ensure_strategy=AwesomeVersionStrategy.SEMVER)
    return value


def test_manifest_keys(manifest: dict[str, Any]) -> None:
    """Only keys that Home Assistant knows, each with a value that it accepts."""
    vol.Schema(
        {
            vol.Required("domain"): DOMAIN,
            vol.Required("name"): str,
            vol.Optional("after_dependencies"): [str],
            vol.Required("codeowners"): vol.All(
                [vol.All(str, vol.Match(r"@[\w-]+"))], vol.Length(min=1)
            ),
            vol.Required("config_flow"): True,
            vol.Optional("dependencies"): [str],
            vol.Required("documentation"): vol.All(str, _https),
            vol.Required("integration_type"): vol.In(["device", "hub", "service"]),
            vol.Required("iot_class"): "local_push",
            vol.Required("issue_tracker"): vol.All(str, _https),
            vol.Optional("loggers"): [str],
            vol.Optional("quality_scale"): vol.In(
                ["bronze", "silver", "gold", "platinum"]
            ),
            vol.Optional("requirements"): [str],
            vol.Required("version"): vol.All(str, _version),
        }
    )(manifest)
    assert "home-assistant.io" not in manifest["documentation"]
    assert manifest["documentation"].startswith(REPOSITORY_URL)
    assert manifest["issue_tracker"] == f"{REPOSITORY_URL}/issues"


def test_manifest_order(manifest: dict[str, Any]) -> None:
    """Domain and name first, the rest by alphabet."""
    rest = sorted(set(manifest) - {"domain", "name"})
    assert list(manifest) == ["domain", "name", *rest]


def test_no_component_of_home_assistant_has_this_domain() -> None:
    """A custom integration of the same domain would replace it."""
    assert not (HOMEASSISTANT / "components" / DOMAIN).exists()


def test_config_flow_exists(strings: dict[str, Any]) -> None:
    """The manifest promises a config flow."""
    assert (INTEGRATION / "config_flow.py").is_file()
    assert "user" in strings["config"]["step"]


def test_requirements(manifest: dict[str, Any]) -> None:
    """Ranges that Home Assistant accepts and does not contradict."""
    constraints = [
        Requirement(line)
        for line in (HOMEASSISTANT / "package_constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    for text in manifest["requirements"]:
        assert package.is_installed(text), text
        requirement = Requirement(text)
        assert {spec.operator for spec in requirement.specifier} == {">=", "<"}
        for constraint in constraints:
            if constraint.name.lower() == requirement.name.lower():
                for spec in constraint.specifier:
                    assert (
                        spec.operator != "==" or spec.version in requirement.specifier
                    )
        assert installed_version(requirement.name) in requirement.specifier


def _components_used() -> Iterator[tuple[Path, str]]:
    for path, tree in _code().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
                if node.module == "homeassistant.components":
                    modules = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            for module in modules:
                if module.startswith("homeassistant.components."):
                    yield path, module.split(".")[2]


def test_dependencies_cover_what_is_imported(manifest: dict[str, Any]) -> None:
    """Home Assistant sets up first what the code imports."""
    declared = {
        *manifest.get("dependencies", []),
        *manifest.get("after_dependencies", []),
    }
    for path, component in _components_used():
        is_its_platform = (INTEGRATION / f"{component}.py").is_file()
        assert component in declared | ALWAYS_THERE or is_its_platform, (
            f"{path.relative_to(INTEGRATION)} imports {component}"
        )
    for component in declared:
        assert (HOMEASSISTANT / "components" / component).is_dir()


# --- Texts -----------------------------------------------------------------------------

_TEXTS = {str: str}
_NAMED = {vol.Required("name"): str, vol.Required("description"): str}
_FIELDS = {
    vol.Optional("data"): _TEXTS,
    vol.Optional("data_description"): _TEXTS,
    vol.Optional("description"): str,
}
_FLOW = {
    vol.Optional("flow_title"): str,
    vol.Required("step"): {
        str: {
            **_FIELDS,
            vol.Optional("title"): str,
            vol.Optional("menu_options"): _TEXTS,
            vol.Optional("menu_option_descriptions"): _TEXTS,
            vol.Optional("submit"): str,
            vol.Optional("sections"): {str: {**_FIELDS, vol.Optional("name"): str}},
        }
    },
    vol.Optional("abort"): _TEXTS,
    vol.Optional("create_entry"): _TEXTS,
    vol.Optional("error"): _TEXTS,
    vol.Optional("progress"): _TEXTS,
}
_SUBENTRY_FLOW = {
    **_FLOW,
    vol.Required("entry_type"): str,
    vol.Required("initiate_flow"): {vol.Required("user"): str, str: str},
}
_ISSUE = {
    vol.Required("title"): str,
    vol.Exclusive("description", "solution"): str,
    vol.Exclusive("fix_flow", "solution"): _FLOW,
}
_ENTITY = {
    vol.Optional("name"): str,
    vol.Optional("state"): _TEXTS,
    vol.Optional("state_attributes"): {
        str: {vol.Optional("name"): str, vol.Optional("state"): _TEXTS}
    },
    vol.Optional("unit_of_measurement"): str,
}
STRINGS_SCHEMA = vol.Schema(
    {
        vol.Optional("title"): str,
        vol.Required("config"): _FLOW,
        vol.Optional("config_subentries"): {str: _SUBENTRY_FLOW},
        vol.Optional("device"): {str: {vol.Required("name"): str}},
        vol.Optional("entity"): {str: {str: _ENTITY}},
        vol.Optional("exceptions"): {str: {vol.Required("message"): str}},
        vol.Optional("issues"): {str: _ISSUE},
        vol.Optional("options"): _FLOW,
        vol.Optional("selector"): {
            str: {
                vol.Optional("choices"): _TEXTS,
                vol.Optional("fields"): {str: _NAMED},
                vol.Optional("options"): _TEXTS,
                vol.Optional("unit_of_measurement"): _TEXTS,
            }
        },
        vol.Optional("services"): {
            str: {
                **_NAMED,
                vol.Optional("fields"): {str: {**_NAMED, vol.Optional("example"): str}},
                vol.Optional("sections"): {
                    str: {
                        vol.Required("name"): str,
                        vol.Optional("description"): str,
                    }
                },
            }
        },
        vol.Optional("system_health"): {vol.Optional("info"): _TEXTS},
    }
)


def _languages() -> list[Path]:
    return sorted((INTEGRATION / "translations").glob("*.json"))


def test_english_is_the_only_source() -> None:
    """Home Assistant reads translations/ and nothing else of a custom integration."""
    assert INTEGRATION / "translations" / "en.json" in _languages()
    assert not (INTEGRATION / "strings.json").exists()


def test_sections(strings: dict[str, Any]) -> None:
    """Sections and keys that Home Assistant knows, none of the necessary ones missing."""
    STRINGS_SCHEMA(strings)


@pytest.mark.parametrize("path", _languages(), ids=lambda path: path.stem)
def test_texts(path: Path) -> None:
    """Texts that Home Assistant can show as they are."""
    for where, text in _texts(_json(path)):
        assert text == text.strip(), f"{where}: blanks around it"
        assert text, f"{where}: empty"
        assert not HTML.search(text), f"{where}: HTML"
        assert not URL.search(text), f"{where}: an address belongs in a placeholder"
        assert not re.search(r"'{\w+}'", text), f"{where}: placeholder in quotes"
        assert "[%key:" not in text, f"{where}: references are resolved in core only"
        for name in _placeholders(text):
            assert name.isidentifier(), f"{where}: placeholder {name}"
            if where.startswith(("entity::", "selector::")):
                assert "state" not in where.split("::"), (
                    f"{where}: placeholder in a state"
                )
        for key in where.split("::"):
            # Keys of form fields and steps are the code's own names.
            assert TRANSLATION_KEY.fullmatch(key), f"{where}: key {key}"


@pytest.mark.parametrize("path", _languages(), ids=lambda path: path.stem)
def test_translations_follow_english(path: Path, strings: dict[str, Any]) -> None:
    """No text without an English one, and the same placeholders in both."""
    english = dict(_texts(strings))
    for where, text in _texts(_json(path)):
        assert where in english, where
        assert _placeholders(text) == _placeholders(english[where]), where


def _flows(strings: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "config", strings["config"]
    if "options" in strings:
        yield "options", strings["options"]
    for name, flow in strings.get("config_subentries", {}).items():
        yield f"config_subentries::{name}", flow
    for name, issue in strings.get("issues", {}).items():
        if "fix_flow" in issue:
            yield f"issues::{name}", issue["fix_flow"]


def test_every_field_is_described(strings: dict[str, Any]) -> None:
    """A name and an explanation for each thing that a user may fill in."""
    for where, flow in _flows(strings):
        for step_id, step in flow["step"].items():
            for part in (step, *step.get("sections", {}).values()):
                assert set(part.get("data", {})) == set(
                    part.get("data_description", {})
                ), f"{where}::{step_id}"


def test_issues_say_what_to_do(strings: dict[str, Any]) -> None:
    """An issue is described, or opens a flow that does it."""
    for name, issue in strings.get("issues", {}).items():
        assert "description" in issue or "fix_flow" in issue, name


def _called(node: ast.Call) -> str:
    return (
        node.func.attr
        if isinstance(node.func, ast.Attribute)
        else getattr(node.func, "id", "")
    )


def _constant(node: ast.AST | None) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None


def _keyword(node: ast.Call, name: str) -> ast.expr | None:
    return next((word.value for word in node.keywords if word.arg == name), None)


def test_reasons_have_texts(strings: dict[str, Any]) -> None:
    """Whatever a flow ends or complains with can be read."""
    flows = [flow for _, flow in _flows(strings)]
    aborts = {key for flow in flows for key in flow.get("abort", {})}
    errors = {key for flow in flows for key in flow.get("error", {})}
    for node in _nodes(ast.Call):
        match _called(node):
            case "async_abort":
                if reason := _constant(_keyword(node, "reason")):
                    assert reason in aborts, reason
            case "AbortFlow":
                if node.args and (reason := _constant(node.args[0])):
                    assert reason in aborts, reason
            case "_abort_if_unique_id_configured" | "_async_abort_entries_match":
                assert "already_configured" in strings["config"]["abort"]
            case "async_set_unique_id":
                assert "already_in_progress" in strings["config"]["abort"]
            case "async_update_and_abort":
                assert "reconfigure_successful" in aborts
    for assignment in _nodes(ast.Assign):
        for target in assignment.targets:
            if (
                isinstance(target, ast.Subscript)
                and isinstance(target.value, ast.Name)
                and target.value.id == "errors"
                and (reason := _constant(assignment.value))
            ):
                assert reason in errors, reason


def test_reasons_are_used(strings: dict[str, Any]) -> None:
    """No text for what cannot happen."""
    given_by_home_assistant = {
        "already_configured",
        "already_in_progress",
        "reconfigure_successful",
    }
    for where, flow in _flows(strings):
        for kind in ("abort", "error"):
            for reason in flow.get(kind, {}):
                assert reason in _literals() | given_by_home_assistant, (
                    f"{where}::{kind}::{reason}"
                )


def _section_of(node: ast.Call) -> str | None:
    """Return where the text of a call's translation_key must be."""
    name = _called(node)
    if name.endswith(("Error", "NotReady", "AuthFailed")):
        return "exceptions"
    if name in {"async_create_issue", "create_issue"}:
        return "issues"
    if name.endswith(("SelectorConfig", "Selector")):
        return "selector"
    if name in {"DeviceInfo", "ChildDeviceInfo"}:
        return "device"
    return None


def test_translation_keys_have_texts(strings: dict[str, Any]) -> None:
    """Whatever the code names can be read."""
    entities = {
        key for platform in strings.get("entity", {}).values() for key in platform
    }
    for node in _nodes(ast.Call):
        if (key := _constant(_keyword(node, "translation_key"))) is None:
            continue
        domain = _constant(_keyword(node, "translation_domain"))
        if domain is not None and domain != DOMAIN:
            continue
        section = _section_of(node)
        known = strings.get(section, {}) if section else entities
        if section is None:
            known = known | strings.get("exceptions", {}).keys()
        assert key in known, f"{_called(node)}: {key}"


@pytest.mark.parametrize("section", ["device", "exceptions", "issues", "selector"])
def test_texts_are_used(
    section: str, strings: dict[str, Any], services: dict[str, Any]
) -> None:
    """No text that nothing shows."""
    used = _literals() | set(_constants(services))
    for key in strings.get(section, {}):
        assert key in used, f"{section}::{key}"


def _constants(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        for value in tree.values():
            yield from _constants(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _constants(value)
    elif isinstance(tree, str):
        yield tree


# --- Entities --------------------------------------------------------------------------


def _platforms() -> list[str]:
    names = {platform.value for platform in Platform}
    return sorted(path.stem for path in INTEGRATION.glob("*.py") if path.stem in names)


def _descriptions(platform: str) -> list[EntityDescription]:
    """Return the descriptions that a platform file holds at its top level."""
    module = import_module(f"custom_components.{DOMAIN}.{platform}")
    found: list[EntityDescription] = []

    def collect(value: object) -> None:
        if isinstance(value, EntityDescription):
            if value not in found:
                found.append(value)
        elif isinstance(value, dict):
            collect(list(value.values()))
        elif isinstance(value, (tuple, list, frozenset, set)):
            for item in value:
                collect(item)

    for value in vars(module).values():
        collect(value)
    return found


def _options(description: EntityDescription) -> Iterable[str] | None:
    return getattr(description, "options", None)


@pytest.mark.parametrize("platform", _platforms())
def test_entities_have_names(platform: str, strings: dict[str, Any]) -> None:
    """Each kind of entity has a name, and each of its states a text."""
    names = strings["entity"].get(platform, {})
    for description in _descriptions(platform):
        if (key := description.translation_key) is None:
            assert description.device_class is not None, description.key
            continue
        assert key in names, key
        assert "name" in names[key], key
        if options := _options(description):
            assert set(names[key].get("state", {})) == set(options), key
        if types := getattr(description, "event_types", None):
            texts = names[key]["state_attributes"]["event_type"]["state"]
            assert set(texts) == set(types), key


@pytest.mark.parametrize("platform", _platforms())
def test_entities_have_icons(platform: str, icons: dict[str, Any]) -> None:
    """An own icon where Home Assistant has none for the device class."""
    known = icons.get("entity", {}).get(platform, {})
    for description in _descriptions(platform):
        device_class = description.device_class
        if device_class is None or device_class == "enum":
            assert description.translation_key in known, description.key


def test_names_are_of_entities(strings: dict[str, Any], icons: dict[str, Any]) -> None:
    """No name and no icon of an entity that does not exist."""
    for tree in (strings, icons):
        for platform, keys in tree.get("entity", {}).items():
            assert platform in _platforms(), platform
            described = {
                key
                for description in _descriptions(platform)
                for key in (description.key, description.translation_key)
            }
            for key in keys:
                assert key in described | _literals(), f"{platform}::{key}"


# --- Icons -----------------------------------------------------------------------------

_ICON = vol.All(str, vol.Match(r"mdi:[a-z0-9-]+$"))
ICONS_SCHEMA = vol.Schema(
    {
        vol.Optional("entity"): {
            str: {
                str: {
                    vol.Required("default"): _ICON,
                    vol.Optional("range"): {vol.Match(r"-?\d+(\.\d+)?$"): _ICON},
                    vol.Optional("state"): {str: _ICON},
                    vol.Optional("state_attributes"): {
                        str: {
                            vol.Required("default"): _ICON,
                            vol.Optional("state"): {str: _ICON},
                        }
                    },
                }
            }
        },
        vol.Optional("services"): {
            str: {
                vol.Required("service"): _ICON,
                vol.Optional("sections"): {str: _ICON},
            }
        },
    }
)


def test_icons(icons: dict[str, Any], strings: dict[str, Any]) -> None:
    """Material Design icons; none for a state that does not exist or says nothing new."""
    ICONS_SCHEMA(icons)
    for platform, entities in icons.get("entity", {}).items():
        for key, icon in entities.items():
            where = f"{platform}::{key}"
            for state, state_icon in icon.get("state", {}).items():
                assert state_icon != icon["default"], f"{where}::{state}"
            text = strings["entity"].get(platform, {}).get(key)
            assert text is not None, where
            if "state" in text:
                assert set(icon.get("state", {})) <= set(text["state"]), where


# --- Actions ---------------------------------------------------------------------------


def _fields(service: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    """Return the fields of an action, out of their sections."""
    fields: dict[str, dict[str, Any]] = {}
    for name, field in (service or {}).get("fields", {}).items():
        if field and "fields" in field:
            fields |= field["fields"]
        else:
            fields[name] = field or {}
    return fields


def _schema_keys(schema: Any) -> set[str] | None:
    """Return the keys of a dict schema, however it is wrapped."""
    if isinstance(schema, dict):
        return {str(key) for key in schema}
    for inner in (
        getattr(schema, "schema", None),
        *getattr(schema, "validators", ()),
    ):
        if inner is not None and (keys := _schema_keys(inner)) is not None:
            return keys
    return None


async def test_actions_are_described(
    hass: HomeAssistant,
    enable_custom_integrations: None,
    services: dict[str, Any],
    strings: dict[str, Any],
    icons: dict[str, Any],
) -> None:
    """The same actions in the code, in their form, in words and in pictures."""
    assert await async_setup_component(hass, DOMAIN, {})
    registered = hass.services.async_services_for_domain(DOMAIN)
    assert set(services) == set(registered)
    assert set(strings["services"]) == set(registered)
    assert set(icons["services"]) == set(registered)
    for name, service in services.items():
        keys = _schema_keys(registered[name].schema)
        if keys is None:
            continue
        if "target" in (service or {}):
            keys -= TARGET_KEYS
        assert set(_fields(service)) == keys, name


def test_fields_of_actions(services: dict[str, Any], strings: dict[str, Any]) -> None:
    """Each field can be filled in by somebody who sees it for the first time."""
    for name, service in services.items():
        service = service or {}
        assert set(service) <= {"fields", "target"}, f"{name}: texts belong in en.json"
        texts = strings["services"][name]
        fields = _fields(service)
        sections = {
            key
            for key, field in service.get("fields", {}).items()
            if "fields" in (field or {})
        }
        assert set(texts.get("fields", {})) == set(fields), name
        assert set(texts.get("sections", {})) == sections, name
        if "target" in service:
            validate_selector({"target": service["target"]})
        for key, field in fields.items():
            where = f"{name}::{key}"
            assert set(field) <= {
                "default",
                "example",
                "filter",
                "required",
                "selector",
            }, where
            assert "selector" in field, where
            validate_selector(field["selector"])
            select = field["selector"].get("select") or {}
            if "translation_key" in select:
                texts_of_options = strings["selector"][select["translation_key"]]
                assert set(texts_of_options["options"]) == set(select["options"]), where


# --- Quality scale ---------------------------------------------------------------------


def _rules_by_tier(path: Path) -> dict[str, list[str]]:
    """Read the rules below their headings, which a YAML parser does not see."""
    tiers: dict[str, list[str]] = {}
    for line in path.read_text("utf-8").splitlines():
        if heading := re.match(r"  # (Bronze|Silver|Gold|Platinum)$", line):
            tiers[heading[1].lower()] = []
        elif rule := re.match(r"  ([a-z-]+):", line):
            tiers[list(tiers)[-1]].append(rule[1])
    return tiers


def test_quality_scale(manifest: dict[str, Any]) -> None:
    """All rules, in Home Assistant's order, and no claim that is not kept."""
    ours = INTEGRATION / "quality_scale.yaml"
    # Any integration of Home Assistant that has the whole list.
    theirs = HOMEASSISTANT / "components" / "peblar" / "quality_scale.yaml"
    tiers = _rules_by_tier(ours)
    assert tiers == _rules_by_tier(theirs)

    rules = load_yaml_dict(ours)["rules"]
    vol.Schema(
        {
            str: vol.Any(
                vol.In(["done", "todo"]),
                {
                    vol.Required("status"): vol.In(["done", "todo"]),
                    vol.Required("comment"): str,
                },
                {
                    vol.Required("status"): "exempt",
                    vol.Required("comment"): vol.All(str, vol.Length(min=10)),
                },
            )
        }
    )(rules)

    claimed = manifest.get("quality_scale")
    if claimed is None:
        return
    for tier, names in tiers.items():
        for name in names:
            rule = rules[name]
            status = rule if isinstance(rule, str) else rule["status"]
            assert status != "todo", f"{name}, of the tier {tier}"
        if tier == claimed:
            break


# --- Brand and store -------------------------------------------------------------------


def _png_size(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[:26]
    assert head[:8] == b"\x89PNG\r\n\x1a\n", path.name
    width, height, _, color_type = struct.unpack(">IIBB", head[16:26])
    assert color_type == 6, f"{path.name}: not transparent"
    return width, height


def test_brand() -> None:
    """Home Assistant shows these in place of its own brand pictures."""
    brand = INTEGRATION / "brand"
    assert _png_size(brand / "icon.png") == (256, 256)
    assert _png_size(brand / "icon@2x.png") == (512, 512)
    for path in brand.glob("*logo.png"):
        assert 128 <= min(_png_size(path)) <= 256
    known = {
        f"{theme}{kind}{scale}.png"
        for theme in ("", "dark_")
        for kind in ("icon", "logo")
        for scale in ("", "@2x")
    }
    for path in brand.iterdir():
        assert path.name in known
        if not path.stem.endswith("@2x"):
            width, height = _png_size(path)
            double = path.with_stem(f"{path.stem}@2x")
            assert _png_size(double) == (2 * width, 2 * height)


def test_hacs(manifest: dict[str, Any]) -> None:
    """The store's own file, with the Home Assistant that the tests run on as minimum."""
    hacs = _json(REPOSITORY / "hacs.json")
    vol.Schema(
        {
            vol.Required("name"): manifest["name"],
            vol.Required("homeassistant"): vol.All(str, vol.Match(r"\d{4}\.\d+\.\d+$")),
            vol.Optional("hide_default_branch"): bool,
            vol.Optional("render_readme"): bool,
        }
    )(hacs)
    assert hacs["homeassistant"].startswith(f"{MAJOR_VERSION}.{MINOR_VERSION}.")
    assert [
        path.name
        for path in INTEGRATION.parent.iterdir()
        if path.is_dir() and not path.name.startswith("__")
    ] == [DOMAIN]


def test_license() -> None:
    """GitHub, and so the store, must recognize it."""
    assert (REPOSITORY / "LICENSE").read_text().startswith("MIT License\n\nCopyright")


def test_changelog(manifest: dict[str, Any]) -> None:
    """What is released is written down."""
    changelog = (REPOSITORY / "CHANGELOG.md").read_text("utf-8")
    assert "## [Unreleased]" in changelog
    assert f"## [{manifest['version']}]" in changelog
