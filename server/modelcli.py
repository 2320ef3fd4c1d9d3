"""`voltkeep publish`: which learnt model speaks for the fleet (R6)."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.settings import Settings
from server.console import out
from server.errors import RequestError
from server.usercli import As, password_of
from server.visit import Config, Home, settings_of

if TYPE_CHECKING:
    from server.modelclient import Listed, ModelsOf


def publish(
    model: Annotated[
        str | None, typer.Argument(help="Version of a model, or the file of one that was trained elsewhere.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List all models.")] = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Publish again what was published before.")
    ] = False,
    shadow: Annotated[
        bool,
        typer.Option("--shadow", help="Have it predict beside the published one, untold; none: end that."),
    ] = False,
    retire: Annotated[bool, typer.Option("--retire", help="Set it aside.")] = False,
    comment: Annotated[str, typer.Option("--comment", help="Why, for the audit trail.")] = "",
    who: As = "admin",
    config: Config = None,
    home: Home = None,
) -> None:
    """Publish a learnt model if it passes its gates, on the running server or the home of a stopped one."""
    if sum((list_, rollback, shadow, retire)) > 1:
        raise RequestError("One of --list, --rollback, --shadow and --retire at a time.")
    if model is None and not (list_ or rollback or shadow):
        raise RequestError("Which model? `voltkeep publish --list` names them.")
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # what matters is said in plain words
    settings = settings_of(config, home)
    version = _version(settings, model)

    async def act() -> None:
        async with _models(settings, who) as models:
            if list_:
                _tell(await models.all())
            elif rollback:
                out.print(f"{await models.roll_back(comment)} is published again.")
            elif shadow:
                await models.shadow(version)
                out.print(
                    f"{version} predicts in the shadow." if version else "Nothing predicts in the shadow."
                )
            elif retire:
                await models.retire(version, comment)
                out.print(f"{version} is set aside.")
            else:
                previous = await models.publish(version, comment)
                out.print(f"{version} is published" + (f" instead of {previous}." if previous else "."))

    asyncio.run(act())


def _version(settings: Settings, model: str | None) -> str:
    """The version that is meant; a file is put among the models first."""
    from server.modelclient import add_file

    if model is None:
        return ""
    file = Path(model)
    return add_file(settings, file) if file.suffix == ".zip" or file.is_file() else model


def _models(settings: Settings, who: str) -> AbstractAsyncContextManager[ModelsOf]:
    from server.modelclient import running, runs, stopped

    return running(settings, who, password_of(who)) if runs(settings) else stopped(settings)


def _tell(models: list[Listed]) -> None:
    for each in models:
        figures = "" if isnan(each.error) else f"mean error {each.error:.0f} d"
        approved = f"approved by {each.approved_by}" if each.approved_by else ""
        damaged = "" if each.usable else "its artefact is damaged or missing"
        refused = "" if each.findings in ("", "passed") else each.findings
        rest = ", ".join(filter(None, (figures, approved, damaged, refused)))
        out.print(f"{each.version:24} {each.state:10} {rest}".rstrip())
    if not models:
        out.print("There are no models.")
