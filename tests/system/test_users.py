"""`voltkeep user` on a running server, and the way in when nobody knows the password."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import urlparse

from program import Start, Voltkeep
from userscommand import one_time, run_user, user

NEW = "another one altogether"


def row(voltkeep: Voltkeep, name: str) -> str:
    """What the list says of a user."""
    listed = user(voltkeep, "list", password=voltkeep.admin_password).stdout
    return next((line for line in listed.splitlines() if line.split()[0] == name), "")


def test_users_are_managed_from_the_command_line(voltkeep: Voltkeep) -> None:
    def admin(*arguments: str) -> subprocess.CompletedProcess[str]:
        return user(voltkeep, *arguments, password=voltkeep.admin_password)

    first = one_time(admin("add", "eve", "--role", "Operator", "--description", "Night shift"))
    assert re.fullmatch(r"eve +Operator +must change the password, Night shift", row(voltkeep, "eve"))
    again = admin("add", "eve")
    assert (again.returncode, "It is so already" in again.stderr) == (1, True)
    refused = user(voltkeep, "add", "bob", "--as", "eve", password=first)
    assert (refused.returncode, "voltkeep user password" in refused.stderr) == (1, True)
    short = user(voltkeep, "password", "--as", "eve", password=first, VOLTKEEP_NEW_PASSWORD="short")
    assert (short.returncode, "12 to 128 characters" in short.stderr) == (1, True)
    changed = user(voltkeep, "password", "--as", "eve", password=first, VOLTKEEP_NEW_PASSWORD=NEW)
    assert changed.returncode == 0, changed.stderr
    for arguments, said in (
        (("role", "eve", "Admin"), "Admin"),
        (("disable", "eve"), "disabled"),
        (("enable", "eve"), "Admin"),
        (("unlock", "eve"), "Admin"),
        (("password", "eve"), "must change the password"),
    ):
        assert admin(*arguments).returncode == 0
        assert said in row(voltkeep, "eve")
    assert admin("remove", "eve").returncode == 0
    assert row(voltkeep, "eve") == ""
    last = admin("remove", "admin")
    assert (last.returncode, "Nobody removes" in last.stderr) == (1, True)
    wrong = user(voltkeep, "list", password="not the password")
    assert (wrong.returncode, "User name or password is wrong" in wrong.stderr) == (1, True)


def test_an_administrator_who_forgot_the_password_comes_in_again(start_voltkeep: Start, home: Path) -> None:
    nothing = run_user(home, "reset-admin")
    assert (nothing.returncode, "no server has run there" in nothing.stderr) == (2, True)
    with start_voltkeep(home) as first:
        port = str(urlparse(first.endpoint).port)
        running = run_user(home, "reset-admin", VOLTKEEP_OPCUA_PORT=port)
        assert (running.returncode, "Stop it first" in running.stderr) == (2, True)
        assert first.stop() == 0
    fresh = one_time(run_user(home, "reset-admin"))
    with start_voltkeep(home) as second:
        assert user(second, "list", password=second.admin_password).returncode == 1
        done = user(second, "password", password=fresh, VOLTKEEP_NEW_PASSWORD=NEW)
        assert done.returncode == 0, done.stderr
        assert "admin" in user(second, "list", password=NEW).stdout
        assert second.stop() == 0
