"""Our own scripts, styles and pictures as browsers get them: at an address that changes with their content.

`/assets/<version>/<file>` is kept for ever by browsers, so that the next page asks for none of it again;
`/assets/<file>` is asked about each time. Both give the same file. A page says beforehand which modules its
script imports (`modules`): a browser then fetches all at once instead of one after the other.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

from nicegui import __version__ as nicegui_version
from nicegui.dependencies import esm_modules
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

ASSETS: Final = Path(__file__).parent / "assets"
FOR_EVER: Final = "public, max-age=31536000, immutable"
ASKED_AGAIN: Final = "no-cache"
_VERSIONED: Final = re.compile(r"([0-9a-f]{12})/(.+)")
_IMPORTED: Final = re.compile(r"""^(?:import|export)\b[^;=("']*["']([^"']+)["']""", re.MULTILINE)


def version() -> str:
    """What stands for the content of all files: another after any change."""
    files = sorted((file.name, file.stat()) for file in ASSETS.iterdir())
    seen = "".join(f"{name} {stat.st_mtime_ns} {stat.st_size}\n" for name, stat in files)
    return blake2b(seen.encode(), digest_size=6).hexdigest()


def address(name: str) -> str:
    """Where a browser finds a file, to be kept for ever."""
    return f"/assets/{version()}/{name}"


def modules(script: str) -> tuple[str, ...]:
    """Addresses of a script of ours and of all modules that it imports at once, directly or not."""
    return _modules(script, version())


def styles(script: str) -> tuple[str, ...]:
    """Addresses of the styles that lie beside a script of ours and the modules that it imports."""
    named = (each.rpartition("/")[2].replace(".js", ".css") for each in modules(script))
    return tuple(address(name) for name in named if (ASSETS / name).exists())


@lru_cache
def _modules(script: str, of: str) -> tuple[str, ...]:
    files, libraries = [script], set[str]()
    for file in files:  # which grows meanwhile
        for imported in _IMPORTED.findall((ASSETS / file).read_text(encoding="utf-8")):
            name = imported.removeprefix("./")
            if name == imported:
                libraries.add(name)
            elif name not in files:
                files.append(name)
    ours = [f"/assets/{of}/{file}" for file in files]
    return (*ours, *_of_nicegui(libraries))


def _of_nicegui(libraries: set[str]) -> list[str]:
    """Addresses of the libraries that come with NiceGUI, as its import map has them."""
    return [
        f"/_nicegui/{nicegui_version}/esm/{key}/index.js"
        for key, module in esm_modules.items()
        if module.name in libraries
    ]


class AssetFiles(StaticFiles):
    """The folder of assets, with or without a version in the address."""

    def __init__(self) -> None:
        super().__init__(directory=ASSETS)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, and how long a browser may keep it: for ever only at the address it has now."""
        versioned = _VERSIONED.fullmatch(path)
        response = await super().get_response(versioned[2] if versioned else path, scope)
        kept = versioned is not None and versioned[1] == version()
        response.headers["cache-control"] = FOR_EVER if kept else ASKED_AGAIN
        return response
