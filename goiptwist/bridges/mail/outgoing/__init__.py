"""
Mail out: one SMS becomes one mail, handed to a smarthost.

L{settings} says what may be configured, L{composition} writes the mail and
L{status_mail} the one about what became of an SMS, L{smtp_client} speaks SMTP and
L{lmtp_client} LMTP, L{verdict} decides what the smarthost's answers mean, and
L{bridge} ties them together.
"""
