"""Who sees that the gateway is there: presence, the roster, and rooms."""
