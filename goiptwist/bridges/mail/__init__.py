"""
The mail bridge: each incoming SMS becomes a mail, handed to a smarthost.

L{settings} says what may be configured, L{letter} writes the mail, L{dialogue}
speaks SMTP, L{verdict} decides what the smarthost's answers mean, and
L{bridge} ties them together.
"""
