"""
Mail in: SMTP and LMTP for everybody who connects.

From the wire inwards: L{service} listens, L{factory} answers each connection,
L{line_server} reads one command at a time, L{session} and L{lmtp} know the
commands; L{envelope}, L{content}, L{login} and L{trace} are pure. Behind that
stands L{goiptwist.bridges.mail.submission}, which says who may send and takes
the mails.

Why the stock server alone would not do is shown in the tests, hole by hole:
C{tests/bridges/mail/intake/test_holes.py}.
"""
