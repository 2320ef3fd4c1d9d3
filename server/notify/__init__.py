"""Alarms out of the house: e-mail and webhook, by rules that the operator keeps (A9)."""
