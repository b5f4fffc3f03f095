"""
The Contact ID call: an alarm event as tones on a telephone call by SIP.

It needs C{pip install goiptwist[calls]}. Only L{goiptwist.bridges.call.kind} and
L{goiptwist.bridges.call.settings} can be read without.
"""
