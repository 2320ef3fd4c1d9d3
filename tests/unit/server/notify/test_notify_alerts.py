"""From what conditions tell to what groups are told."""

from __future__ import annotations

import math

import pytest
from notices import START, Desk, alarm, later, over

from server.notify.alert import alert_from_json, member_from_list, member_to_list
from server.notify.alerts import Alerts, hours_of

TELL_ALL = {"tell": ["activated", "worsened", "acknowledged", "cleared"]}
ESCALATE = {"escalate": [{"after": 15, "to": "leader"}, {"after": 30, "to": "boss"}]}
LIMITED = {
    "groups": {"duty": {"webhooks": ["hook"], "limit": {"messages": 2, "minutes": 10}}},
}


def test_alarms_of_a_site_are_gathered_into_one_message() -> None:
    desk = Desk()
    desk.take(0, alarm("A/UPS-1/S01/J01#T"), alarm("A/UPS-1/S01/J02#T", severity=900))
    assert desk.next == 10
    assert desk.due(9.9) == []
    desk.take(9.9, alarm("A#MainsLost"))
    (message,) = desk.due(10)
    assert (message.kind, message.severity, message.data["count"]) == ("alarm", 900, 3)
    assert desk.due(11) == []


def test_sites_are_told_apart() -> None:
    desk = Desk()
    desk.take(0, alarm("A#X"), alarm("B#X"), alarm("Fleet#X"))
    assert [message.data["site"] for message in desk.due(10)] == ["A", "B", "Fleet"]


def test_what_comes_later_follows_in_the_same_thread() -> None:
    desk = Desk()
    desk.take(0, alarm("A#X"))
    (first,) = desk.due(10)
    desk.take(60, alarm("A#Y", 60))
    (second,) = desk.due(70)
    assert (second.kind, second.thread) == ("update", first.thread)
    assert second.id != first.id
    assert [each["condition"] for each in second.data["alarms"]] == ["A#Y"]
    assert second.data["active"] == 2


def test_nothing_is_told_twice() -> None:
    desk = Desk()
    notice = alarm("A#X")
    desk.take(0, notice)
    assert len(desk.due(10)) == 1
    desk.take(20, later(notice, message="another value"), later(notice, acked=True))
    assert desk.due(100) == []


def test_the_all_clear_comes_when_the_last_alarm_is_over() -> None:
    desk = Desk()
    one, two = alarm("A#X"), alarm("A#Y")
    desk.take(0, one, two)
    desk.due(10)
    desk.take(60, over(one, 60))
    assert desk.due(80) == []
    desk.take(90, over(two, 90, acked=True))
    (message,) = desk.due(100)
    assert message.kind == "all_clear"
    assert (message.data["active"], message.data["unacknowledged"]) == (0, 1)
    assert "1 must still be acknowledged" in message.text
    assert len(desk.alerts) == 0


def test_an_alarm_that_is_over_before_it_is_told_needs_no_all_clear() -> None:
    desk = Desk()
    notice = alarm("A#X")
    desk.take(0, notice, over(notice, 5))
    (message,) = desk.due(10)
    assert message.kind == "alarm"
    assert "over since 2026-11-18 18:06:45" in message.text
    assert desk.due(60) == []


def test_an_alarm_that_comes_back_within_the_gathering_time_delays_the_all_clear() -> None:
    desk = Desk()
    notice = alarm("A#X")
    desk.take(0, notice)
    desk.due(10)
    desk.take(20, over(notice, 20))
    desk.take(25, later(notice, active_time=notice.active_time + 25_000_000))
    assert desk.brief(30) == [("update", "duty")]
    assert desk.brief(60) == []


def test_after_all_clear_an_alarm_begins_another_thread() -> None:
    desk = Desk()
    notice = alarm("A#X")
    desk.take(0, notice)
    (first,) = desk.due(10)
    desk.take(20, over(notice, 20, acked=True))
    assert desk.brief(30) == [("all_clear", "duty")]
    desk.take(40, alarm("A#X", 40))
    (second,) = desk.due(50)
    assert (second.kind, second.thread != first.thread) == ("alarm", True)


def test_worse_is_told_and_milder_is_not() -> None:
    desk = Desk()
    notice = alarm("A#X", severity=500)
    desk.take(0, notice)
    desk.due(10)
    desk.take(20, later(notice, severity=800))
    (message,) = desk.due(30)
    assert (message.kind, message.severity) == ("update", 800)
    desk.take(40, later(notice, severity=500))
    desk.take(50, later(notice, severity=800))
    assert desk.due(60) == []


def test_a_rule_says_what_it_tells() -> None:
    desk = Desk({"tell": ["activated"]}, {"to": "leader", **TELL_ALL}, {"to": "boss", "tell": ["cleared"]})
    notice = alarm("A#X")
    desk.take(0, notice)
    assert desk.brief(10) == [("alarm", "duty"), ("alarm", "leader")]
    desk.take(20, later(notice, severity=900))
    assert desk.brief(30) == [("update", "leader")]
    desk.take(40, later(notice, severity=900, acked=True, user="somchai"))
    (message,) = desk.due(50)
    assert (message.kind, message.group) == ("acknowledged", "leader")
    assert "by somchai" in message.text
    desk.take(60, over(notice, 60, acked=True))
    assert desk.brief(70) == [("all_clear", "leader")]


def test_the_first_rule_of_a_group_tells_it_and_it_is_told_once() -> None:
    desk = Desk({"severity": 600}, {"severity": 300}, {"to": "leader", "severity": 300})
    desk.take(0, alarm("A#X", severity=800), alarm("B#X", severity=400))
    told = [(m.group, m.data["rule"], m.data["site"]) for m in desk.due(10)]
    assert sorted(told) == [
        ("duty", "rule 0", "A"),
        ("duty", "rule 1", "B"),
        ("leader", "rule 2", "A"),
        ("leader", "rule 2", "B"),
    ]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"where": ["A"]}, ["A#X", "A/UPS-1#X"]),
        ({"where": ["A/UPS-1"]}, ["A/UPS-1#X"]),
        ({"where": ["Fleet"]}, ["Fleet#X"]),
        ({"classes": ["safety"]}, ["A/UPS-1#X"]),
        ({"conditions": ["X"]}, ["A#X", "A/UPS-1#X", "AB#X", "Fleet#X"]),
        ({"conditions": ["Y"]}, []),
        ({"severity": 501}, ["A/UPS-1#X"]),
    ],
)
def test_a_rule_chooses(rule: dict[str, object], told: list[str]) -> None:
    desk = Desk(rule)
    desk.take(
        0, alarm("A#X"), alarm("A/UPS-1#X", severity=700, kind="safety"), alarm("AB#X"), alarm("Fleet#X")
    )
    found = [each["condition"] for message in desk.due(10) for each in message.data["alarms"]]
    assert sorted(found) == sorted(told)


def test_who_is_shelved_or_suppressed_is_quiet_until_he_is_not() -> None:
    desk = Desk()
    notice = alarm("A#X", quiet=True)
    desk.take(0, notice)
    assert desk.due(20) == []
    desk.take(30, later(notice, quiet=False))
    assert desk.brief(40) == [("alarm", "duty")]
    # The same activation is no news again, another one is.
    desk.take(50, later(notice, quiet=True), later(notice, quiet=False))
    assert desk.brief(60) == []
    again = notice.active_time + 70_000_000
    desk.take(65, later(notice, quiet=True), over(notice, 67, quiet=True))
    desk.take(70, later(notice, quiet=True, active_time=again), later(notice, active_time=again, quiet=False))
    assert desk.brief(90) == [("update", "duty")]


def test_what_is_suppressed_before_it_is_told_is_not_told() -> None:
    desk = Desk()
    notice = alarm("A#X")
    desk.take(0, notice, later(notice, quiet=True))
    assert desk.brief(10) == []


def test_simulated_alarms_stay_inside_unless_a_rule_wants_them() -> None:
    desk = Desk({}, {"to": "leader", "simulated": True})
    desk.take(0, alarm("A#X", simulated=True))
    (message,) = desk.due(10)
    assert (message.group, message.data["simulated"]) == ("leader", True)
    assert message.subject.startswith("SIMULATION ")
    assert message.text.startswith("SIMULATION ")


def test_simulated_and_real_alarms_of_a_site_never_share_a_message() -> None:
    desk = Desk({"simulated": True})
    desk.take(0, alarm("A#X"), alarm("Shadow/A#X", simulated=True))
    assert sorted(message.data["simulated"] for message in desk.due(10)) == [False, True]


# -- escalation


def test_who_does_not_acknowledge_is_escalated_step_by_step() -> None:
    desk = Desk(ESCALATE)
    notice = alarm("A#X")
    desk.take(0, notice)
    (first,) = desk.due(10)
    assert desk.next == 10 + 15 * 60
    assert desk.due(10 + 15 * 60 - 1) == []
    (step,) = desk.due(10 + 15 * 60)
    assert (step.kind, step.group, step.thread) == ("escalation", "leader", first.thread)
    assert "not acknowledged for 15 min" in step.text
    assert desk.brief(10 + 30 * 60) == [("escalation", "boss")]
    assert desk.brief(10**5) == []
    desk.take(10**5, over(notice, 10**5, acked=True))
    assert desk.brief(10**5 + 10) == [("all_clear", "duty"), ("all_clear", "leader"), ("all_clear", "boss")]


@pytest.mark.parametrize("how", [{"acked": True}, {"quiet": True}])
def test_acknowledged_or_shelved_ends_the_escalation(how: dict[str, bool]) -> None:
    desk = Desk(ESCALATE)
    notice = alarm("A#X")
    desk.take(0, notice)
    desk.due(10)
    desk.take(60, later(notice, **how))
    assert desk.due(10**5) == []


def test_returned_to_normal_alone_does_not_end_the_escalation() -> None:
    desk = Desk(ESCALATE)
    notice = alarm("A#X")
    desk.take(0, notice)
    desk.due(10)
    desk.take(60, over(notice, 60))
    assert desk.brief(70) == [("all_clear", "duty")]
    assert desk.brief(10 + 15 * 60) == [("escalation", "leader")]
    desk.take(2000, over(notice, 60, acked=True))
    assert desk.brief(2010) == []
    assert len(desk.alerts) == 0


def test_the_clock_of_an_escalation_begins_anew_after_everything_was_acknowledged() -> None:
    desk = Desk(ESCALATE)
    one = alarm("A#X")
    desk.take(0, one)
    desk.due(10)
    desk.take(600, later(one, acked=True))
    desk.due(610)
    desk.take(800, alarm("A#Y", 800))
    assert desk.brief(810) == [("update", "duty")]
    assert desk.brief(810 + 15 * 60 - 1) == []
    assert desk.brief(810 + 15 * 60) == [("escalation", "leader")]


def test_a_group_may_be_told_only_what_nobody_acknowledges() -> None:
    desk = Desk({"tell": [], "escalate": [{"after": 5, "to": "boss"}]})
    desk.take(0, alarm("A#X"))
    assert desk.brief(10) == []
    assert desk.brief(310) == [("escalation", "boss")]


# -- schedules


OFFICE = {"schedules": {"office": {"days": ["mon", "tue", "wed", "thu", "fri"], "hours": "08:00-17:00"}}}
OPENS = 50_000.0  # from the start, on Wednesday at 18:06:40, until Thursday at 08:00


def test_outside_of_the_schedule_it_waits_and_then_says_how_things_are() -> None:
    desk = Desk({"schedule": "office"}, **OFFICE)
    one, two = alarm("A#X"), alarm("A#Y", 100)
    desk.take(0, one)
    assert desk.due(10) == []
    assert desk.next == pytest.approx(OPENS, abs=1)
    desk.take(100, two, over(one, 100, acked=True))
    assert desk.due(OPENS - 5) == []
    (message,) = desk.due(OPENS + 1)
    assert (message.data["count"], message.data["active"]) == (2, 1)
    assert len(desk.alerts) == 1


def test_outside_of_the_schedule_another_group_can_be_told() -> None:
    desk = Desk({"schedule": "office", "otherwise": "leader"}, **OFFICE)
    notice = alarm("A#X")
    desk.take(0, notice)
    assert desk.brief(10) == [("alarm", "leader")]
    desk.take(OPENS, alarm("A#Y", OPENS))
    assert desk.brief(OPENS + 10) == [("update", "duty")]


def test_nobody_is_escalated_for_what_was_not_told_yet() -> None:
    desk = Desk({"schedule": "office", **ESCALATE}, **OFFICE)
    desk.take(0, alarm("A#X"))
    assert desk.due(OPENS - 5) == []
    assert desk.brief(OPENS + 1) == [("alarm", "duty")]
    assert desk.brief(OPENS + 1 + 15 * 60) == [("escalation", "leader")]


# -- the limit


def test_what_is_more_than_the_limit_becomes_a_digest_that_counts() -> None:
    desk = Desk(**LIMITED)
    desk.take(0, *(alarm(f"S{i}#X", severity=500 + i) for i in range(5)))
    assert [message.data["site"] for message in desk.due(10)] == ["S0", "S1"]
    desk.take(100, alarm("S4#Y", 100, severity=900))
    assert desk.due(110) == []
    assert desk.next == 610
    (digest,) = desk.due(610)
    assert (digest.kind, digest.data["count"], digest.severity) == ("digest", 4, 900)
    assert len(digest.data["alerts"]) == 3  # one matter a line, its last word
    assert digest.data["alerts"][0]["severity"] == 900
    assert "4 messages were held back" in digest.text
    assert desk.next == math.inf


def test_an_escalation_is_never_held_back() -> None:
    groups = {"duty": {"webhooks": ["hook"], "limit": {"messages": 1, "minutes": 600}}}
    desk = Desk({"escalate": [{"after": 1, "to": "duty"}]}, groups=groups)
    desk.take(0, alarm("A#X"), alarm("B#X"))
    assert desk.brief(10) == [("alarm", "duty")]
    assert desk.brief(70) == [("escalation", "duty"), ("escalation", "duty")]


def test_a_clock_that_was_set_back_does_not_close_a_group() -> None:
    desk = Desk(**LIMITED)
    desk.take(10**6, *(alarm(f"S{i}#X") for i in range(2)))
    assert len(desk.due(10**6 + 10)) == 2
    desk.take(0, alarm("A#X"))
    assert len(desk.due(10)) == 1


# -- over a restart


def _restarted(desk: Desk) -> Desk:
    """The same from what was kept."""
    changes = desk.alerts.changes()
    other = Desk.__new__(Desk)
    other.file, other.zone, other.wording = desk.file, desk.zone, desk.wording
    other.alerts = Alerts(desk.file, hours_of(desk.file, desk.zone), desk.wording, desk._id)
    for alert_id, data in changes.alerts.items():
        if data is not None:
            alert = alert_from_json(data)
            for (of, condition), member in changes.members.items():
                if of == alert_id and member is not None:
                    alert.members[condition] = member_from_list(member_to_list(member))
            other.alerts.add(alert)
    for name, text in changes.flows.items():
        other.alerts.flows[name].restore(text)
    return other


def test_alerts_go_on_after_a_restart() -> None:
    desk = Desk(ESCALATE)
    told, waiting = alarm("A#X"), alarm("B#X", 5)
    desk.take(0, told)
    (first,) = desk.due(10)
    desk.take(12, waiting)
    desk = _restarted(desk)
    desk.alerts.reconcile([told, waiting], waiting.number, START + 15)
    (message,) = desk.due(22)
    assert message.data["site"] == "B"
    (step, _) = desk.due(10 + 15 * 60 + 20)
    assert (step.kind, step.thread) == ("escalation", first.thread)


def test_what_happened_without_ears_is_seen_at_the_start() -> None:
    desk = Desk()
    ended, goes_on = alarm("A#X"), alarm("A#Y")
    desk.take(0, ended, goes_on)
    desk.due(10)
    desk = _restarted(desk)
    missed, old = alarm("B#X", 50), alarm("C#X", number=1)
    desk.alerts.reconcile([goes_on, missed, old], goes_on.number, START + 60)
    assert [(m.kind, m.data["site"]) for m in desk.due(70)] == [("alarm", "B")]
    desk.take(80, over(goes_on, 80, acked=True))
    assert desk.brief(90) == [("all_clear", "duty")]


def test_simulations_are_over_at_the_start() -> None:
    desk = Desk({"simulated": True})
    desk.take(0, alarm("A#X", simulated=True))
    desk.due(10)
    desk = _restarted(desk)
    desk.alerts.reconcile([], 0, START + 60)
    assert desk.brief(70) == [("all_clear", "duty")]


def test_the_limit_is_known_after_a_restart() -> None:
    desk = Desk(**LIMITED)
    desk.take(0, *(alarm(f"S{i}#X") for i in range(3)))
    assert len(desk.due(10)) == 2
    desk = _restarted(desk)
    assert desk.brief(20) == []
    assert desk.brief(610) == [("digest", "duty")]


def test_an_alert_of_a_rule_that_is_no_more_is_forgotten() -> None:
    desk = Desk({"name": "old"})
    desk.take(0, alarm("A#X"))
    changes = desk.alerts.changes()
    (alert_id,) = changes.alerts
    other = Desk({"name": "new"})
    other.alerts.add(alert_from_json(changes.alerts[alert_id] or ""))
    assert len(other.alerts) == 0
    assert other.alerts.changes().alerts == {alert_id: None}


def test_an_event_that_is_older_than_what_is_known_changes_nothing() -> None:
    desk = Desk()
    notice = alarm("A#X")
    newer = over(notice, 5, acked=True)
    desk.take(0, notice)
    desk.due(10)
    desk.take(20, newer)
    desk.take(21, notice)
    assert desk.brief(30) == [("all_clear", "duty")]


def test_a_fleet_that_trips_is_taken_quickly_and_told_in_a_message_a_site() -> None:
    desk = Desk(ESCALATE, {"to": "leader"})
    for i in range(4000):
        desk.take(0, alarm(f"S{i % 9}/UPS-1/S01/J{i}#X"))
    messages = desk.due(10)
    assert len(messages) == 18
    assert sum(m.data["count"] for m in messages if m.group == "duty") == 4000
    assert all(len(m.data["alarms"]) == 10 and len(m.text) < 3000 for m in messages)
