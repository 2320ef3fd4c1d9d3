"""The words of messages in each language that a group may ask for."""

from __future__ import annotations

from typing import Final, Literal

Language = Literal["en", "th"]

PRIORITIES: Final[dict[Language, tuple[str, str, str, str]]] = {
    "en": ("low", "medium", "high", "critical"),
    "th": ("ต่ำ", "ปานกลาง", "สูง", "วิกฤต"),
}

PHRASES: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "simulation": "SIMULATION ",
        "more": " (and {n} more)",
        "alarm": "[{priority}] {what}",
        "update": "[{priority}] more: {what}",
        "escalation": "[NOT ACKNOWLEDGED, {priority}] {what}",
        "acknowledged": "[acknowledged] {what}",
        "all_clear": "[all clear] {what}",
        "digest": "[digest, {priority}] {n} messages held back",
        "test": "Test message",
        "head": "{site}: {n} alarms, worst severity {severity} ({priority})",
        "head_one": "{site}: 1 alarm, severity {severity} ({priority})",
        "head_escalation": (
            "{site}: {n} not acknowledged for {minutes} min, worst severity {severity} ({priority})"
        ),
        "head_acknowledged": "{site}: everything is acknowledged, by {user}",
        "head_all_clear": "{site}: all alarms of this message thread are over",
        "first": "First: {what}, {time}",
        "incident": "Incident {id}: {cause}, {members} alarms, {suppressed} of them suppressed by cause",
        "line": "{time}  {severity:>4}  {source} {name}: {message}",
        "rest": "... and {n} more",
        "over": " [over since {time}]",
        "acked": " [acknowledged by {user}]",
        "quiet": " [shelved or suppressed]",
        "now": "Now at this site: {active} active, {waiting} not acknowledged",
        "still": "{n} must still be acknowledged.",
        "advice": "What to do: {advice}",
        "digest_head": "{n} messages were held back since {time}, as more than {most} in {minutes} min came.",
        "digest_line": "  {subject}",
        "digest_last": "The last word on each of {n} matters, the worst first:",
        "test_text": "This is a test of the group {group}. Nothing is wrong.",
        "foot": "{fleet}, rule {rule}, group {group}. Times are {zone}.",
        "foot_digest": "{fleet}, group {group}. Times are {zone}.",
    },
    "th": {
        "simulation": "การจำลอง ",
        "more": " (และอีก {n} รายการ)",
        "alarm": "[{priority}] {what}",
        "update": "[{priority}] เพิ่มเติม: {what}",
        "escalation": "[ยังไม่มีผู้รับทราบ, {priority}] {what}",
        "acknowledged": "[รับทราบแล้ว] {what}",
        "all_clear": "[กลับสู่ปกติ] {what}",
        "digest": "[สรุป, {priority}] {n} ข้อความที่พักไว้",
        "test": "ข้อความทดสอบ",
        "head": "{site}: {n} สัญญาณเตือน ความรุนแรงสูงสุด {severity} ({priority})",
        "head_one": "{site}: 1 สัญญาณเตือน ความรุนแรง {severity} ({priority})",
        "head_escalation": (
            "{site}: {n} รายการยังไม่มีผู้รับทราบมาแล้ว {minutes} นาที ความรุนแรงสูงสุด {severity} ({priority})"
        ),
        "head_acknowledged": "{site}: รับทราบครบทุกรายการแล้ว โดย {user}",
        "head_all_clear": "{site}: สัญญาณเตือนทั้งหมดในชุดข้อความนี้สิ้นสุดแล้ว",
        "first": "รายการแรก: {what}, {time}",
        "incident": "เหตุการณ์ {id}: {cause}, {members} สัญญาณเตือน ระงับโดยสาเหตุ {suppressed} รายการ",
        "line": "{time}  {severity:>4}  {source} {name}: {message}",
        "rest": "... และอีก {n} รายการ",
        "over": " [สิ้นสุดเมื่อ {time}]",
        "acked": " [รับทราบโดย {user}]",
        "quiet": " [พักหรือระงับไว้]",
        "now": "สถานะของไซต์นี้: ทำงานอยู่ {active} รายการ ยังไม่รับทราบ {waiting} รายการ",
        "still": "ยังต้องรับทราบอีก {n} รายการ",
        "advice": "สิ่งที่ควรทำ: {advice}",
        "digest_head": "พักไว้ {n} ข้อความตั้งแต่ {time} เนื่องจากเกิน {most} ข้อความใน {minutes} นาที",
        "digest_line": "  {subject}",
        "digest_last": "สถานะล่าสุดของ {n} เรื่อง เรียงจากรุนแรงที่สุด:",
        "test_text": "นี่คือข้อความทดสอบของกลุ่ม {group} ไม่มีเหตุผิดปกติ",
        "foot": "{fleet}, กฎ {rule}, กลุ่ม {group} เวลาเป็น {zone}",
        "foot_digest": "{fleet}, กลุ่ม {group} เวลาเป็น {zone}",
    },
}
