"""Which variables a text means, how a row's statuses read, and what a file's columns are."""

from __future__ import annotations

import pytest

from historian.columns import TABLES
from historian.export.headings import Content, headings
from historian.export.request import ExportError, Format, Request, Step
from historian.export.selection import Asset, Selection, label, select
from historian.export.statustext import status_text
from nodeset import status as st
from nodeset.fleet import AssetType

ASSETS = [
    Asset(number, kind, path)
    for number, (kind, path) in enumerate(
        [
            (AssetType.JAR, "Bangrak/UPS-10/S01/J01"),
            (AssetType.JAR, "Bangrak/UPS-2/S01/J02"),
            (AssetType.JAR, "Bangrak/UPS-2/S01/J01"),
            (AssetType.STRING, "Bangrak/UPS-2/S01"),
            (AssetType.SITE, "Bangrak"),
            (AssetType.JAR, "Phuket/UPS-1/S01/J01"),
            (AssetType.FLEET, "Fleet"),
        ]
    )
]


def chosen(*variables: str) -> list[str]:
    selection = select(ASSETS, variables)
    return [f"{each.asset.path}.{column.tag.name}" for each in selection.series for column in each.columns]


@pytest.mark.parametrize(
    ("variables", "meant"),
    [
        (["Bangrak/UPS-2/S01/J02.Voltage"], ["Bangrak/UPS-2/S01/J02.Voltage"]),
        (
            ["Bangrak/*/S01/J01.Voltage"],
            ["Bangrak/UPS-2/S01/J01.Voltage", "Bangrak/UPS-10/S01/J01.Voltage"],
        ),
        (["*.Humidity"], ["Bangrak.Humidity"]),
        (["Bangrak/UPS-?/S01.Current*"], ["Bangrak/UPS-2/S01.Current"]),
        (
            ["Phuket/**.Temperature", "Phuket/**.Voltage", "Phuket/UPS-1/S01/J01.Voltage"],
            ["Phuket/UPS-1/S01/J01.Voltage", "Phuket/UPS-1/S01/J01.Temperature"],
        ),
        (["Bangrak/UPS-2/**.WeakestJar"], ["Bangrak/UPS-2/S01.WeakestJar"]),
    ],
)
def test_paths_with_wild_cards(variables: list[str], meant: list[str]) -> None:
    assert chosen(*variables) == meant


def test_a_path_alone_means_all_tags_as_they_are_declared() -> None:
    names = [variable.partition(".")[2] for variable in chosen("Bangrak/UPS-2/S01")]
    assert names[:3] == ["Voltage", "Current", "JarVoltageMin"]
    assert len(names) == len(TABLES[AssetType.STRING].columns)


@pytest.mark.parametrize(
    "variable",
    ["Bangrak/UPS-2.*", "bangrak.Humidity", "Bangrak.Voltage", "[B]angrak.Humidity", "Bangrak/*.Humidity"],
)
def test_what_means_nothing_is_named(variable: str) -> None:
    with pytest.raises(ExportError) as error:
        chosen("Fleet.Jars", variable)
    assert variable in str(error.value)


def columns_of(*names: str) -> Selection:
    return select(ASSETS, [f"Phuket/UPS-1/S01/J01.{name}" for name in names])


def test_statuses_of_a_row() -> None:
    columns = columns_of("Voltage", "Temperature").columns
    failed, old = st.BAD_SENSOR_FAILURE, st.UNCERTAIN_LAST_USABLE_VALUE
    assert status_text({}, columns) == "Good"
    assert status_text({"current": failed}, columns) == "Good"
    assert status_text({"voltage": failed, "temperature": failed}, columns) == "BadSensorFailure"
    assert status_text({"voltage": failed}, columns) == "Voltage=BadSensorFailure"
    both = "Voltage=BadSensorFailure; Temperature=UncertainLastUsableValue"
    assert status_text({"temperature": old, "voltage": failed}, columns) == both
    assert status_text({"voltage": failed}, columns[:1]) == "BadSensorFailure"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (st.GOOD, "Good"),
        (st.UNCERTAIN_EU_EXCEEDED, "UncertainEngineeringUnitsExceeded"),
        (0x00A2_0000, "Good (0x00A20000)"),
        (0x40FF_0000, "Uncertain (0x40FF0000)"),
        (0xFFFF_0000, "Bad (0xFFFF0000)"),
    ],
)
def test_names_of_statuses(code: int, name: str) -> None:
    assert st.name_of(code) == name


def test_columns_of_a_file() -> None:
    one = columns_of("Voltage", "HealthStatus")
    assert [heading.text for heading in headings(one, Step.RAW)] == [
        "Time",
        "Voltage [V]",
        "HealthStatus",
        "Status",
    ]
    several = select(
        ASSETS, ["Bangrak/UPS-2/S01.WeakestJar", "Bangrak/UPS-2/S01.Voltage", "Phuket/**.Voltage"]
    )
    daily = headings(several, Step.DAILY)
    assert [heading.text for heading in daily][:5] == [
        "Time",
        "Asset",
        "Voltage mean [V]",
        "Voltage min [V]",
        "Voltage max [V]",
    ]
    assert [heading.text for heading in daily][5:] == ["Readings", "Good [%]", "Status"]  # jars have no mean
    assert [heading.content for heading in daily[-3:]] == [Content.COUNT, Content.NUMBER, Content.TEXT]
    assert label(several.columns[0]) == "Voltage [V]"


def test_a_request_comes_back_from_json() -> None:
    request = Request(("A.B", "C"), -5, 2**60, Step.DAILY, Format.EXCEL, "Asia/Bangkok")
    assert Request.of_json(request.to_json()) == request
