"""
Alarms over IP after SIA DC-09 (Internet Protocol Event Reporting): to a
monitoring station, and from panels.
"""
