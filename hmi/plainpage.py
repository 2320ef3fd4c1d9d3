"""Pages that need no script: one form in the middle, in the look of all others."""

from __future__ import annotations

from html import escape
from typing import Final

import nicegui
from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from hmi.assetfiles import address
from hmi.i18n import text
from hmi.preferences import preferences_of

_PAGE: Final = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><title>Voltkeep - {title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="{icon}">
<link rel="stylesheet" href="/_nicegui/{version}/static/fonts.css">
<link rel="stylesheet" href="{style}">
<script src="{theme}"></script></head>
<body class="vk-login"><main>
<form method="post" action="{action}" class="vk-panel">
<h1><svg viewBox="0 0 24 24" aria-hidden="true"><use href="{icon}#mark"/></svg>Voltkeep</h1>
<p class="vk-muted">{lead}</p>
{fault}
{fields}
<button class="vk-primary">{title}</button>
<p class="vk-languages"><a href="/language?to=en" lang="en">English</a>
<a href="/language?to=th" lang="th">ไทย</a></p>
</form>{after}</main></body></html>
"""


def field(label: str, name: str, kind: str, complete: str, value: str = "", focus: bool = False) -> str:
    """A labelled input that must be filled in; `label` in the reader's language."""
    return (
        f'<label>{escape(label)}<input name="{name}" type="{kind}" autocomplete="{complete}" required '
        f'maxlength="200" value="{escape(value, quote=True)}"{" autofocus" if focus else ""}></label>'
    )


def plain_page(
    request: Request,
    title: str,
    lead: str,
    action: str,
    fields: str,
    fault: str = "",
    status: int = 200,
    after: str = "",
) -> Response:
    """The page; `title` is an English word, `lead` and `fault` are in the reader's language already."""
    lang = preferences_of(request).language
    body = _PAGE.format(
        lang=lang,
        version=nicegui.__version__,
        icon=address("favicon.svg"),
        style=address("voltkeep.css"),
        theme=address("theme.js"),
        title=escape(text(title, lang)),
        lead=escape(lead),
        action=action,
        fields=fields,
        fault=f'<p class="vk-fault" role="alert">▲ {escape(fault)}</p>' if fault else "",
        after=after,
    )
    return HTMLResponse(body, status)
