"""
Alarms of panels: one event, whatever way it came in and whatever way it goes out.
"""
