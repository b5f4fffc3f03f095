"""How messages move: accepted, routed, announced, forgotten."""
