"""
The mail bridge: each incoming SMS becomes a mail, handed to a smarthost.

L{settings} says what may be configured, L{letter} writes the mail, L{dialogue}
speaks SMTP and L{lmtp} LMTP, L{verdict} decides what the smarthost's answers mean, and
L{bridge} ties them together.

The way back, a mail that becomes an SMS, as far as it needs no network: L{opening}
takes a mail apart, L{loops} and L{authentication} say whether it may pass,
L{addresses} and L{tokens} whom it is for, and L{reading} what its writer said.
"""
