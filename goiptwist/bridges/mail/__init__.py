"""
The mail limb: each incoming SMS becomes a mail, and mails become SMS.

L{outgoing} is the bridge; L{intake} and L{imap} are the ways in, L{submission}
what stands behind both of them, and L{reading} how a text is read out of a mail.
Each imports of the others only: C{reading} nothing, C{submission} C{reading},
C{outgoing} and C{intake} these two, C{imap} all of them.
"""
