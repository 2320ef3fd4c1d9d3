"""Subscriptions and what they watch."""
