"""A scenario becomes a mail, also when the program is killed before the mail server is there (A9)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import yaml
from notifyservers import Hook, Mailbox, hook_server, mail_server
from program import CHECKOUT, Start, Voltkeep, command, environment, free_ports
from simulate import start

JAR = "Bangrak/UPS-1/S03/J07"


def notify_file(path: Path, mail: int, hook: str) -> Path:
    """Hot jars of one site, simulated ones too, to a mail address and a webhook."""
    file = {
        "gather": 1,
        "mail": {"host": "127.0.0.1", "port": mail, "security": "none", "sender": "v@example.com"},
        "webhooks": {"hook": {"url": hook}},
        "groups": {"duty": {"mail": ["duty@example.com"], "webhooks": ["hook"]}},
        "rules": [
            {
                "name": "hot",
                "to": "duty",
                "where": ["Bangrak"],
                "conditions": ["TemperatureHigh"],
                "simulated": True,
            }
        ],
    }
    path.write_text(yaml.safe_dump(file))
    return path


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.05)


async def test_a_scenario_is_told_by_mail_though_the_program_is_killed(
    home: Path, start_voltkeep: Start
) -> None:
    box, hook = Mailbox(), Hook()
    (mail,) = free_ports(1)  # nobody listens there yet
    async with hook_server(hook) as url:
        file = notify_file(home.parent / "notify.yaml", mail, url)

        def run() -> Voltkeep:
            return program.__enter__()

        program = start_voltkeep(home, VOLTKEEP_NOTIFY_FILE=str(file))
        voltkeep = await asyncio.to_thread(run)
        try:
            await asyncio.to_thread(start, voltkeep, "TemperatureSpike", JAR, Rise=18.0)
            await until(lambda: bool(hook.requests))
            told = json.loads(hook.requests[0][1])
            os.killpg(voltkeep.process.pid, signal.SIGKILL)
        finally:
            await asyncio.to_thread(program.__exit__, None, None, None)

        async with mail_server(box, port=mail):
            program = start_voltkeep(home, VOLTKEEP_NOTIFY_FILE=str(file))
            voltkeep = await asyncio.to_thread(run)
            try:
                await until(lambda: len(box.received) >= 2)
                assert await asyncio.to_thread(voltkeep.stop) == 0, voltkeep.log
            finally:
                await asyncio.to_thread(program.__exit__, None, None, None)
    assert (told["site"], told["simulated"], told["type"]) == ("Bangrak", True, "alarm")
    assert told["alarms"][0]["condition"] == f"{JAR}#TemperatureHigh"
    mails = {mail["Message-ID"].partition("@")[0].strip("<"): mail for _, mail in box.received}
    assert len(mails) == len(box.received), "told twice"
    alarm = mails[told["id"]]
    assert alarm["Subject"].strip() == told["subject"]
    assert f"severity {told['severity']}" in alarm.get_content()
    assert alarm.get_content().startswith("SIMULATION")
    # The simulation has ended with the program.
    (clear,) = (mail for name, mail in mails.items() if name != told["id"])
    assert clear["Subject"].strip().startswith("SIMULATION [all clear] Bangrak/")
    assert clear["References"] == alarm["References"]


def test_check_tells_what_is_wrong_by_key_and_line(home: Path) -> None:
    file = notify_file(home.parent / "notify.yaml", 25, "https://hooks.example.com/x")

    def check() -> subprocess.CompletedProcess[str]:
        env = environment(home, VOLTKEEP_NOTIFY_FILE=str(file))
        return subprocess.run(
            command("check"), cwd=CHECKOUT, env=env, capture_output=True, text=True, timeout=60, check=False
        )

    right = check()
    assert (right.returncode, "1 rules, 1 groups" in right.stdout) == (0, True), right.stderr
    file.write_text(file.read_text().replace("TemperatureHigh", "TemperatureHot"))
    line = file.read_text().splitlines().index("  - TemperatureHot") + 1
    wrong = check()
    said = " ".join(wrong.stderr.split())
    assert wrong.returncode == 2
    assert f"notify.yaml:{line}: rules.0.conditions.0: unknown condition 'TemperatureHot'" in said
