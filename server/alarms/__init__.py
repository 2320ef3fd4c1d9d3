"""Alarm conditions: their definitions, their states, and the events they raise."""
