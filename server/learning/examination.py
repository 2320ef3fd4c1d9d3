"""The gate of physics (R5), in a process of its own: `python -m server.learning.examination FILE`.

A model is judged on the jars that it brings along, of all ages and in all conditions that it was trained on.
What is found is printed as a JSON array of sentences; the server itself never loads a booster.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Final

import structlog

from server.learning.childprocess import BRIEF, ended, started

log = structlog.get_logger(__name__)

TIME_LIMIT: Final = 120.0  # s


async def examine(path: Path) -> tuple[str, ...]:
    """What the gate finds against the artefact at `path`; empty where it lets it through."""
    process = await started("server.learning.examination", str(path), nice=BRIEF)
    try:
        async with asyncio.timeout(TIME_LIMIT):
            said, _ = await process.communicate()
        found = json.loads(said)
    except TimeoutError:
        return (f"The gates took longer than {TIME_LIMIT:g} s.",)
    except ValueError:
        log.error("the examination of a model ended without a word", code=process.returncode)
        return ("The gates could not judge it: the log says why.",)
    finally:
        await ended(process)
    return tuple(map(str, found))


def findings(path: Path) -> list[str]:
    """What the gate says; blocks, and loads CatBoost."""
    from analytics.gate import examine as judge
    from analytics.model import RulModel
    from analytics.modelfile import ArtefactError
    from server.learning.artefacts import read_file

    try:
        model = RulModel.from_bytes(read_file(path))
    except (OSError, ArtefactError) as error:
        return [str(error)]
    return list(judge(model, model.cases.features).findings)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print(json.dumps(findings(Path(sys.argv[1]))))
