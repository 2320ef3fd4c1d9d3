"""What the files of a plant say: its fleet, its alarms, and who is told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from config.alarmfile import AlarmFile, open_alarm_file
from config.fleetfile import read_fleet_file
from config.settings import Settings
from config.yamlfile import ConfigurationError
from nodeset.fleet import build_fleet
from nodeset.tags import STATES_OF
from server.alarms.definition import ConditionIndex, alarm_defs
from server.alarms.overrides import Override, OverrideError, overrides_of, resolve

if TYPE_CHECKING:
    from config.notifyfile import NotifyFile


class PlantFiles(NamedTuple):
    """What the files say: the conditions of the fleet, where they differ, and the alarm file itself."""

    conditions: ConditionIndex
    overrides: tuple[Override, ...]
    alarms: AlarmFile


def read_plant_files(settings: Settings) -> PlantFiles:
    """The fleet and its alarms; `ConfigurationError` says what is wrong with a file."""
    fleet = build_fleet(read_fleet_file(settings.fleet))
    settings.links([site.name for site in fleet.sites])
    file, source = open_alarm_file(settings.alarms, STATES_OF)
    index, overrides = ConditionIndex(fleet, alarm_defs(file)), overrides_of(file)
    try:
        resolve(index, overrides)
    except OverrideError as error:
        raise ConfigurationError(source.error(error.override.loc, str(error))) from None
    return PlantFiles(index, overrides, file)


def read_notify(settings: Settings, index: ConditionIndex) -> NotifyFile | None:
    """Who is told what, None where nobody is; `ConfigurationError` says what is wrong with the file.

    Or with scheduled reports, which go to its mail server.
    """
    file = None
    if settings.notify.file is not None:
        from server.notify.composition import read_notification

        file = read_notification(settings.notify.file, index)
    sites = [site.name for site in index.fleet.sites]
    settings.check_reports(sites, mail=file is not None and file.mail is not None)
    return file
