"""What operators read."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from notices import Desk, alarm, later, over

from server.notify.mailtext import mail_bytes
from server.notify.message import Message
from server.notify.notice import Incident
from server.notify.phrases import PHRASES, PRIORITIES

GOLDEN = """\
A: 12 alarms, worst severity 900 (critical)
First: A Mains supply is lost, 2026-11-18 18:06:40

2026-11-18 18:06:40   900  A MainsLost: Mains supply is lost: 0.00 V
2026-11-18 18:06:41   500  A/UPS-1/S01/J01 LevelLow: Jar is low [over since 2026-11-18 18:06:48]
2026-11-18 18:06:41   500  A/UPS-1/S01/J02 LevelLow: Jar is low [acknowledged by somchai]
2026-11-18 18:06:41   500  A/UPS-1/S01/J03 LevelLow: Jar is low
2026-11-18 18:06:41   500  A/UPS-1/S01/J04 LevelLow: Jar is low
2026-11-18 18:06:41   500  A/UPS-1/S01/J05 LevelLow: Jar is low
2026-11-18 18:06:41   500  A/UPS-1/S01/J06 LevelLow: Jar is low
2026-11-18 18:06:41   500  A/UPS-1/S01/J07 LevelLow: Jar is low
2026-11-18 18:06:41   500  A/UPS-1/S01/J08 LevelLow: Jar is low
2026-11-18 18:06:41   500  A/UPS-1/S01/J09 LevelLow: Jar is low
... and 2 more

Now at this site: 11 active, 11 not acknowledged

What to do: Mind the runtime that remains.

--
Small, rule rule 0, group duty. Times are Asia/Bangkok.
"""


def outage(desk: Desk) -> Message:
    """The message of a site whose mains supply is lost."""
    mains = alarm(
        "A#MainsLost",
        severity=900,
        title="Mains supply is lost",
        message="Mains supply is lost: 0.00 V",
        advice="Mind the runtime that remains.",
    )
    jars = [
        alarm(f"A/UPS-1/S01/J{i:02d}#LevelLow", 1, title="Jar is low", message="Jar is low")
        for i in range(1, 12)
    ]
    desk.take(0, mains, *jars)
    desk.take(8, over(jars[0], 8), later(jars[1], acked=True, user="somchai"))
    (message,) = desk.due(10)
    return message


def test_an_outage_reads_in_half_a_minute() -> None:
    message = outage(Desk())
    assert message.subject == "[critical] A: Mains supply is lost (and 11 more)"
    assert message.text.replace("\n-- \n", "\n--\n") == GOLDEN


def test_the_same_for_a_program() -> None:
    data = outage(Desk()).data
    assert data["first"] == "A#MainsLost"
    assert (data["count"], data["active"], data["unacknowledged"]) == (12, 11, 11)
    assert data["alarms"][0] == {
        "condition": "A#MainsLost",
        "source": "A",
        "name": "MainsLost",
        "class": "process",
        "severity": 900,
        "time": "2026-11-18T11:06:40.000+00:00",
        "began": "2026-11-18T11:06:40.000+00:00",
        "active": True,
        "acknowledged": False,
        "event_id": "00" * 16,
        "message": "Mains supply is lost: 0.00 V",
        "advice": "Mind the runtime that remains.",
        "user": "",
    }


def test_a_message_names_the_incident_that_its_alarms_are_part_of() -> None:
    desk = Desk()
    desk.alerts.incident_of = {"A#MainsLost": Incident("I7", "MainsLost", "A#MainsLost", 216, 205)}.get
    message = outage(desk)
    assert "\nIncident I7: MainsLost, 216 alarms, 205 of them suppressed by cause\n" in message.text
    assert message.data["incident"]["members"] == 216


def test_every_language_has_every_phrase_with_the_same_blanks() -> None:
    import string

    def blanks(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    english = {key: blanks(text) for key, text in PHRASES["en"].items()}
    for language, phrases in PHRASES.items():
        assert {key: blanks(text) for key, text in phrases.items()} == english, language
        assert len(PRIORITIES[language]) == 4


def test_a_group_reads_thai() -> None:
    desk = Desk(groups={"duty": {"webhooks": ["hook"], "language": "th"}})
    message = outage(desk)
    assert message.subject == "[วิกฤต] A: Mains supply is lost (และอีก 11 รายการ)"
    assert "สถานะของไซต์นี้: ทำงานอยู่ 11 รายการ" in message.text


@pytest.mark.parametrize("kind", ["digest", "test"])
def test_the_other_messages_are_whole(kind: str) -> None:
    limit = {"messages": 1, "minutes": 10}
    for language in PHRASES:
        desk = Desk(groups={"duty": {"webhooks": ["hook"], "language": language, "limit": limit}})
        if kind == "test":
            message = desk.alerts.test("duty", 1_795_000_000.0)
        else:
            desk.take(0, *(alarm(f"S{i}#X") for i in range(40)))
            desk.due(10)
            (message,) = desk.due(611)
            assert message.text.count("Jar temperature is high") == 20
        assert message.kind == kind
        assert "{" not in message.subject + message.text


# -- mail


def mail_of(message: Message, to: list[str] | None = None) -> EmailMessage:
    """What a mail reader makes of the mail."""
    raw = mail_bytes(message, "Voltkeep <voltkeep@example.com>", to or ["Duty <duty@example.com>"], True)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    return message_from_bytes(raw, policy=policy.default)


def test_a_mail_reader_sees_a_thread() -> None:
    desk = Desk()
    notice = alarm("A#X")
    desk.take(0, notice)
    (first,) = desk.due(10)
    desk.take(20, over(notice, 20, acked=True))
    (last,) = desk.due(30)
    one, two = mail_of(first), mail_of(last)
    assert one["Message-ID"] != two["Message-ID"]
    assert one["References"] == two["References"] == two["In-Reply-To"] == f"<{first.thread}@example.com>"
    assert (one["Importance"], two["Importance"]) == ("high", None)
    assert one["Auto-Submitted"] == "auto-generated"
    assert one.get_content().replace("\r\n", "\n") == first.text


def test_text_from_the_plant_cannot_make_headers() -> None:
    desk = Desk()
    evil = "X\r\nBcc: everybody@example.com\r\n\r\nHello\x00\x1b[31m\u2028\ud800"
    desk.take(0, alarm("A#X", title=evil, message=evil, user=evil))
    (message,) = desk.due(10)
    mail = mail_of(message)
    assert mail["Bcc"] is None
    assert mail.keys().count("Subject") == 1
    assert all(character.isprintable() or character == "\n" for character in message.text)
    assert message.subject.isprintable()


def test_a_huge_text_is_cut_and_other_letters_are_kept() -> None:
    desk = Desk()
    desk.take(0, alarm("A#X", title="ไฟฟ้าดับ " * 5000, message="ไฟฟ้าดับ " * 50_000, advice="x" * 10**6))
    (message,) = desk.due(10)
    assert len(message.subject) <= 200
    assert len(message.text) < 5000
    mail = mail_of(message, ["สมชาย <somchai@example.com>"])
    assert "ไฟฟ้าดับ" in mail["Subject"]
    assert mail["To"].addresses[0].display_name == "สมชาย"
    assert "ไฟฟ้าดับ" in mail.get_content()
