"""Alarms, and what other bridges could not deliver, as SMS to people."""
