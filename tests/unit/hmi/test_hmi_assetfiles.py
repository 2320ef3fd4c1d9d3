"""Files of the pages: kept for ever at an address that changes with them, and asked for all at once."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from hmi import assetfiles
from hmi.assetfiles import ASSETS, AssetFiles, address, modules, version
from hmi.pages import PAGES


async def fetched(path: str) -> httpx.Response:
    """A file as a browser gets it; `path` is below the folder of assets."""
    transport = httpx.ASGITransport(app=Starlette(routes=[Mount("/assets", AssetFiles())]))
    async with httpx.AsyncClient(transport=transport, base_url="http://hmi") as browser:
        return await browser.get(f"/assets{path}")


async def test_a_file_is_kept_for_ever_only_at_the_address_that_stands_for_its_content() -> None:
    content = (ASSETS / "base.js").read_text(encoding="utf-8")
    now = await fetched(address("base.js").removeprefix("/assets"))
    assert (now.text, now.headers["cache-control"]) == (content, assetfiles.FOR_EVER)
    for path in ("/base.js", f"/{'0' * 12}/base.js"):
        other = await fetched(path)
        assert (other.text, other.headers["cache-control"]) == (content, "no-cache")


async def test_what_is_not_there_is_not_found() -> None:
    for path in ("/nothing.js", f"/{version()}/nothing.js", f"/{version()}/../../app.py", "/../app.py"):
        assert (await fetched(path)).status_code == 404


def test_the_address_changes_with_any_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.js").write_text("1")
    monkeypatch.setattr(assetfiles, "ASSETS", tmp_path)
    before = version()
    assert version() == before
    (tmp_path / "a.js").write_text("12")
    changed = version()
    assert changed != before
    (tmp_path / "b.js").write_text("")
    assert version() != changed


def test_every_module_that_a_page_imports_is_asked_for_at_once() -> None:
    base = address("base.js")
    for page in PAGES:
        found = modules(f"{page.name}.js")
        assert found[0] == address(f"{page.name}.js")
        assert base in found
        assert len(set(found)) == len(found)
    assert address("painter.js") in modules("site.js")
    assert any(each.startswith("/_nicegui/") and each.endswith("/index.js") for each in modules("alarms.js"))


def test_a_heatmap_does_not_wait_for_the_library_of_the_table_below_it() -> None:
    for script in ("site.js", "heatmap.js"):
        assert not any(each.startswith("/_nicegui/") for each in modules(script))


def test_what_is_imported_later_is_not_asked_for_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "page.js").write_text(
        'import { a,\n  b } from "./parts.js";\nconst c = ["./no.js"];\nawait import("./late.js");\n'
    )
    (tmp_path / "parts.js").write_text(
        'export { d } from "./more.js";\nexport const e = { x: "./never.js" };\n'
    )
    (tmp_path / "more.js").write_text('import "./page.js";\n')
    monkeypatch.setattr(assetfiles, "ASSETS", tmp_path)
    names = [each.rpartition("/")[2] for each in modules("page.js")]
    assert names == ["page.js", "parts.js", "more.js"]
