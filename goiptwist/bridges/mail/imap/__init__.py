"""
Mail in for those who have a mailbox but no mail server: L{poller} looks into an
IMAP folder, and L{fetched_mail} reads the envelope that the server has noted.
"""
