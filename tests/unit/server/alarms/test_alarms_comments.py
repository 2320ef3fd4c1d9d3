"""Comments as clients send them (Part 9, 5.5.6 and 5.7.3)."""

from __future__ import annotations

import pytest
from asyncua import ua

from server.alarms.conditionmethods import comment_text


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (None, None),
        (ua.LocalizedText(), None),
        (ua.LocalizedText(""), None),
        (ua.LocalizedText("", ""), None),
        (ua.LocalizedText("seen"), "seen"),
        (ua.LocalizedText("seen", "en"), "seen"),
        (ua.LocalizedText("", "en"), ""),
        (ua.LocalizedText(None, "en"), ""),
    ],
)
def test_only_an_empty_text_with_a_locale_clears_a_comment(
    sent: ua.LocalizedText | None, text: str | None
) -> None:
    assert comment_text(sent) == text
