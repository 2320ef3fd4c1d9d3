"""The notification file: what it takes, and how it says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import config
from config.fleetfile import read_fleet_file
from config.notifyfile import NotifyFile, Secret, json_schema, read_notify_file
from config.yamlfile import ConfigurationError
from nodeset.fleet import build_fleet

HERE = Path(config.__file__).parent
SHIPPED = HERE / "notify.yaml"
SCHEMA = HERE / "notify.schema.json"

WHOLE = """\
mail: {host: mail.example.com, sender: Voltkeep <voltkeep@example.com>}
webhooks:
  hook: {url: "https://hooks.example.com/x"}
groups:
  duty:
    mail: [duty@example.com]
    webhooks: [hook]
schedules:
  office: {hours: 08:00-17:00}
rules:
  - name: all
    to: duty
    where: [A]
    conditions: [Hot]
    schedule: office
    escalate:
      - {after: 15, to: duty}
      - {after: 30, to: duty}
"""


def read(path: Path, text: str) -> NotifyFile:
    """Read a file with this text, of a fleet of one site with one condition."""
    file = path / "notify.yaml"
    file.write_text(text)
    return read_notify_file(file, {"A"}, {"Hot"})


def test_a_whole_file(tmp_path: Path) -> None:
    file = read(tmp_path, WHOLE)
    assert file.time_zone is None
    assert file.mail is not None
    assert (file.mail.security, file.mail.server_port) == ("starttls", 587)
    assert file.schedules["office"].span == (480, 1020)
    assert file.rules[0].tell == ["activated", "worsened", "cleared"]
    assert file.rules[0].simulated is False


def test_the_shipped_example_fits_the_shipped_fleet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOLTKEEP_MAIL_PASSWORD", "x")
    monkeypatch.setenv("VOLTKEEP_HOOK_SECRET", "x")
    fleet = build_fleet(read_fleet_file(HERE / "fleet.yaml"))
    assert len(read_notify_file(SHIPPED, fleet.index_of, ()).rules) == 2


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("conditions: [Hot]", "conditions: [Hott]", 14, "rules.0.conditions.0: unknown condition 'Hott'"),
        ("where: [A]", "where: [B]", 13, "rules.0.where.0: unknown part 'B' of the fleet"),
        ("    to: duty\n", "    to: dutty\n", 12, "rules.0.to: unknown group 'dutty' (known: duty)"),
        ("schedule: office", "schedule: home", 15, "unknown schedule 'home' (known: office)"),
        ("schedule: office", "otherwise: nobody", 15, "rules.0.otherwise: unknown group 'nobody'"),
        ("after: 30", "after: 15", 18, "must be after the step before it (15)"),
        ("to: duty}\n      - {after: 30", "to: boss}\n      - {after: 30", 17, "unknown group 'boss'"),
        ("webhooks: [hook]", "webhooks: [book]", 7, "unknown webhook 'book' (known: hook)"),
        ("mail: {host", "#mail: {host", 6, "groups.duty.mail: there is no mail server (mail)"),
        ("https:", "http:", 3, "must be https://..., or http:// on this machine"),
        ("https://", "https://me:secret@", 3, "a password belongs in a header"),
        ("duty@example.com]", "duty]", 6, "must be one mail address"),
        ("duty@example.com]", '"a@b, c@d"]', 6, "must be one mail address"),
        ("duty@example.com]", '"a@b\\r\\nBcc: c@d"]', 6, "must be one mail address"),
        ("08:00-17:00", "8-17", 9, "schedules.office.hours"),
        ("08:00-17:00", "08:00-24:30", 9, "must be a span of the day"),
        ("08:00-17:00", "08:00-08:00", 9, "must be a span of the day"),
        ("rules:", "time_zone: Asia/Bangkock\nrules:", 10, "unknown time zone 'Asia/Bangkock'"),
        ("rules:", "time_zone: ../../etc/passwd\nrules:", 10, "unknown time zone"),
        ("    name: all", "    name: all\n    colour: red", 11, "unknown key"),
        ("sender:", "user: me, sender:", 1, "user and password go together"),
        ("sender:", "password: {variable: NOT_SET}, user: me, sender:", 1, "NOT_SET is not set"),
        ("sender:", "password: {file: /not/there}, user: me, sender:", 1, "/not/there cannot be read"),
        ("sender:", "password: {}, user: me, sender:", 1, "either variable or file"),
        ("sender:", "ca_file: /not/there, sender:", 1, "/not/there is no file"),
        ("sender:", "security: none, user: me, password: {variable: HOME}, sender:", 1, "without TLS"),
        (
            "    to: duty\n",
            "    to: duty\n  - {name: all, to: duty}\n  - name: b\n    to: duty\n",
            13,
            "another rule",
        ),
        (
            "    mail: [duty@example.com]\n    webhooks: [hook]\n",
            "    language: en\n",
            5,
            "needs a mail address",
        ),
    ],
)
def test_what_is_wrong_is_told_by_key_and_line(
    tmp_path: Path, old: str, new: str, line: int, said: str
) -> None:
    assert old in WHOLE or old == "    name: all"
    text = WHOLE.replace("- name: all", "-\n    name: all") if old == "    name: all" else WHOLE
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, text.replace(old, new, 1))
    assert said in str(caught.value)
    if old != "    name: all":
        assert f"notify.yaml:{line}: " in str(caught.value)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, WHOLE.replace("[A]", "[B]").replace("[Hot]", "[Cold]").replace("15", "45"))
    assert len(str(caught.value).splitlines()) == 3


def test_a_secret_is_a_variable_or_the_first_line_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THE_SECRET", "tell nobody")
    assert Secret(variable="THE_SECRET").read() == "tell nobody"
    (tmp_path / "secret").write_text("tell nobody else\nmore\n")
    assert Secret(file=tmp_path / "secret").read() == "tell nobody else"
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ValueError, match="is empty"):
        Secret(file=tmp_path / "empty").read()


def _as_json(text: str) -> Any:
    return json.loads(json.dumps(yaml.safe_load(text), default=str))


def test_the_schema_is_up_to_date_and_takes_the_example() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert schema == json_schema()
    validator = jsonschema.Draft202012Validator(schema)
    assert list(validator.iter_errors(_as_json(SHIPPED.read_text(encoding="utf-8")))) == []
    assert list(validator.iter_errors(_as_json(WHOLE.replace("after: 15", "after: -1"))))
