"""Every page of the table as NiceGUI answers it, without a browser: frame, title, tab, words, and who may."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import pytest
from nicegui.testing import User
from nicegui.testing.user_simulation import user_simulation

from hmi.i18n import LANGUAGES, text
from hmi.origin import COOKIE
from hmi.pages import GROUPS, HERE, PAGES, WORDS, PageDef
from hmi.preferences import cookie_name

APPLICATION = Path(__file__).with_name("framesapp.py")
TOKEN, ONE_TIME = "a-session", "a-session-that-has-to-change-its-password"
PARTS = {"site": "Bangrak", "system": "UPS-1", "string": "S03", "jar": "J07"}


@pytest.fixture
async def user() -> AsyncIterator[User]:
    """NiceGUI's simulated user, who is not logged in yet."""
    loaded = dict(sys.modules)
    async with user_simulation(main_file=APPLICATION) as user:
        yield user
    # The simulation throws the modules of the pages away; other tests hold on to them.
    sys.modules.update(loaded)


def where(page: PageDef) -> str:
    """A page's address, with a jar of the fleet."""
    return page.address.format(**PARTS)


async def shown(user: User, page: PageDef, lang: str = "en", token: str = TOKEN) -> str:
    """The page as sent to a logged-in browser that chose a language."""
    user.http_client.headers["cookie"] = f"{COOKIE}={token}; {cookie_name('language')}={lang}"
    client = await user.open(where(page))
    assert client.title == f"Voltkeep - {text(page.title, lang)}"
    return (await user.http_client.get(where(page))).text


async def test_every_page_has_its_frame_in_both_languages(user: User) -> None:
    for lang in LANGUAGES:
        for page in PAGES:
            sent = await shown(user, page, lang)
            assert f'class="vk-main vk-page-{page.name}"' in sent, page
            assert re.search(rf'<script [^>]*type="module"[^>]* src="/assets/\w*/?{page.name}\.js">', sent), (
                page
            )
            assert sent.count("<h1") == 1, page
            assert "[[" not in sent, page
            for words in WORDS.findall((HERE / "frames" / f"{page.name}.html").read_text(encoding="utf-8")):
                assert text(words, lang) in unescape(sent), (page.name, lang, words)


async def test_the_bar_marks_where_one_is(user: User) -> None:
    for page in PAGES:
        sent = await shown(user, page)
        bar = sent[sent.index('<nav id="vk-pages"') :].split("</nav>")[0]
        links = re.findall(r"<a ([^>]*)>(.*?)</a>", bar)
        assert [re.sub("<.*", "", label) for _, label in links] == [text(g, "en") for g in GROUPS.values()]
        here = [re.sub("<.*", "", label) for given, label in links if "aria-current" in given]
        assert here == ([] if page.below or not page.group else [GROUPS[page.group]]), page


async def test_the_tabs_of_a_group_mark_the_page(user: User) -> None:
    for page in PAGES:
        group = [each for each in PAGES if each.group == page.group and not each.below]
        sent = await shown(user, page)
        if page.below or len(group) < 2:
            assert 'class="vk-tabs"' not in sent
            continue
        tabs = re.findall(r"<a ([^>]*)>", sent.split('class="vk-tabs"')[1].split("</nav>")[0])
        assert [re.findall('href="(.*?)"', each)[0] for each in tabs] == [each.address for each in group]
        assert [("aria-current" in tab) for tab in tabs] == [each is page for each in group]
        for tab, each in zip(tabs, group, strict=True):
            assert (f'data-may="{each.right}" hidden' in tab) == bool(each.right), each


async def test_a_page_below_the_fleet_says_where_one_is(user: User) -> None:
    site, jar = (next(each for each in PAGES if each.name == name) for name in ("site", "jar"))
    assert "<h1>Bangrak</h1>" in await shown(user, site)
    sent = await shown(user, jar)
    assert "<h1>UPS-1 S03 J07</h1>" in sent
    assert '<a href="/site/Bangrak">Bangrak</a>' in sent


async def test_names_are_no_markup(user: User) -> None:
    sent = await shown(user, PAGES[0])
    assert "&lt;Kanya &amp; Co&gt;" in sent
    assert "<Kanya" not in sent


@pytest.mark.parametrize(
    ("token", "way"), [("", "/login?"), ("forged", "/login?ended=1&"), (ONE_TIME, "/password?")]
)
async def test_the_guard_leads_elsewhere(user: User, token: str, way: str) -> None:
    headers = {"accept": "text/html", "cookie": f"{COOKIE}={token}"}
    for page in PAGES:
        answer = await user.http_client.get(where(page), headers=headers)
        assert answer.status_code == 303, page
        assert answer.headers["location"] == f"{way}next={where(page)}"
        assert "vk-main" not in answer.text
    answer = await user.http_client.get("/api/session", headers={"cookie": headers["cookie"]})
    assert answer.status_code == 401
