"""
Mail in: SMTP and LMTP, spoken to whoever connects.

L{interfaces} is what stands behind it, the mailroom, which says who may send
and takes the mails. In front of that, from the wire inwards: L{service}
listens, L{reception} answers each connection, L{order} reads one command at a
time, L{conversation} and L{lmtp} know the commands; L{envelope}, L{content},
L{login}, L{trace} and L{reply} are pure.

Why the stock server alone would not do is shown in the tests, hole by hole:
C{tests/bridges/mail/intake/test_holes.py}.
"""
