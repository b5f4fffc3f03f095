"""The values that everything passes. Pure."""
