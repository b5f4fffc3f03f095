"""Who may use the gateway, how they prove it, and how much they may send."""
