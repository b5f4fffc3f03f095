"""As much of SIP (RFC 3261) as it takes to make calls."""
