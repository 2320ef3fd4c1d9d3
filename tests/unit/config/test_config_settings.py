"""Settings: file, environment and command line in that order, and faults that name where they come from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from config.settings import HERE, Settings, load_settings
from config.yamlfile import ConfigurationError

CONFIGURATION = HERE.parent / "docs" / "configuration.md"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("VOLTKEEP_"):
            monkeypatch.delenv(name)


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "voltkeep.yaml"
    file.write_text(text)
    return file


def test_the_shipped_file_says_the_defaults(tmp_path: Path) -> None:
    assert load_settings().model_dump() == load_settings(written(tmp_path, "")).model_dump()


def test_the_defaults_are_the_fixed_interface() -> None:
    settings = load_settings()
    assert settings.endpoint == "opc.tcp://127.0.0.1:4840/voltkeep"
    assert (settings.hmi.port, settings.metrics.port, settings.modbus.port) == (8080, 9464, 5020)
    assert {settings.hmi.host, settings.metrics.host, settings.modbus.host} == {"127.0.0.1"}
    assert (settings.scan.period, settings.scan.stale_scans, settings.scan.lost_after) == (5, 3, 300)
    assert settings.demo is False


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, "opcua: {port: 5001, max_sessions: 7}\nscan: {period: 60}\n")
    monkeypatch.setenv("VOLTKEEP_OPCUA_PORT", "5002")
    monkeypatch.setenv("VOLTKEEP_SCAN_STALE_SCANS", "9")
    settings = load_settings(file, {"scan": {"period": 1}})
    assert (settings.opcua.port, settings.opcua.max_sessions) == (5002, 7)
    assert (settings.scan.period, settings.scan.stale_scans) == (1, 9)


def test_passwords_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOLTKEEP_ADMIN_PASSWORD", "Float-13.65")
    settings = load_settings()
    assert settings.admin.password is not None
    assert settings.admin.password.get_secret_value() == "Float-13.65"
    assert "Float-13.65" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("scan:\n  period: 0\n", ":2: scan.period: Input should be greater than or equal to 0.1"),
        ("opcua:\n  prot: 4840\n", ":2: opcua.prot: unknown key"),
        ("- 1\n", ":1: must be a mapping of settings"),
        ("scan: {period: 1\n", "not YAML"),
    ],
)
def test_a_wrong_file_names_key_and_line(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(written(tmp_path, text))
    assert fault in str(caught.value)


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOLTKEEP_OPCUA_PORT", "70000")
    with pytest.raises(ConfigurationError, match="VOLTKEEP_OPCUA_PORT: Input should be less than"):
        load_settings()


def test_a_list_in_a_variable_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOLTKEEP_NODESET_IMPORT", '["extra.xml"]')
    assert load_settings().nodeset.import_ == (Path("extra.xml"),)
    monkeypatch.setenv("VOLTKEEP_NODESET_IMPORT", "extra.xml")
    with pytest.raises(ConfigurationError, match=r"VOLTKEEP_.*nodeset.*a list is written as JSON"):
        load_settings()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.yaml: cannot be read: No such file"):
        load_settings(tmp_path / "none.yaml")


def test_the_demo_is_for_loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOLTKEEP_DEMO", "1")
    assert load_settings().demo is True
    monkeypatch.setenv("VOLTKEEP_OPCUA_HOST", "0.0.0.0")
    with pytest.raises(ConfigurationError, match="loopback"):
        load_settings()


def _settings(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        key = prefix + (field.alias or name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _settings(field.annotation, f"{key}.")
        else:
            yield key


def test_every_setting_is_documented() -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    names = list(_settings(Settings))
    assert len(names) > 25
    for name in names:
        assert f"| `{name}` |" in text, name
        assert f"`VOLTKEEP_{name.replace('.', '_').upper()}`" in text, name


SITES = ("Khon Kaen", "Bangrak", "Phuket")
BANGRAK = "modbus:\n  map: mine.yaml\n  gateways:\n    Bangrak: {host: 10.0.4.20, port: 502, framer: rtu}\n"


def test_a_gateway_differs_in_what_is_said_of_it(tmp_path: Path) -> None:
    links = load_settings(written(tmp_path, BANGRAK)).links(SITES)
    assert [(link.host, link.port, link.framer) for link in links] == [
        ("127.0.0.1", 5020, "tcp"),
        ("10.0.4.20", 502, "rtu"),
        ("127.0.0.1", 5022, "tcp"),
    ]
    assert {link.map for link in links} == {"mine.yaml"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "modbus:\n  gateways:\n    Bang Rak: {}\n",
            ":3: modbus.gateways.Bang Rak: unknown site (known: Khon Kaen, Bangrak, Phuket)",
        ),
        (
            "modbus:\n  gateways:\n    Phuket:\n      port: 5021\n",
            ":4: modbus.gateways.Phuket.port: 127.0.0.1:5021 is the gateway of Bangrak",
        ),
        (
            "modbus:\n  port: 65534\n  gateways: {}\n",
            ":3: modbus.gateways.Phuket.port: the gateway of Phuket would be at port 65536",
        ),
    ],
)
def test_gateways_that_do_not_fit_the_fleet_are_named_with_key_and_line(
    tmp_path: Path, text: str, fault: str
) -> None:
    settings = load_settings(written(tmp_path, text))
    with pytest.raises(ConfigurationError) as caught:
        settings.links(SITES)
    assert str(caught.value) == f"{tmp_path / 'voltkeep.yaml'}{fault}"


def test_gateways_in_a_variable_are_json_and_their_faults_name_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VOLTKEEP_MODBUS_GATEWAYS", '{"Phuket": {"map": "sunspec"}, "Hua Hin": {}}')
    settings = load_settings()
    assert settings.modbus.links(SITES)[2].map == "sunspec"
    with pytest.raises(ConfigurationError, match=r"^modbus\.gateways\.Hua Hin: unknown site"):
        settings.links(SITES)
