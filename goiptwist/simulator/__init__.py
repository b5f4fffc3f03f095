"""A GoIP device that is none, for tests, demonstrations and load."""
