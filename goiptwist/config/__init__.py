"""Reading one TOML file: every fault at once, in words."""
