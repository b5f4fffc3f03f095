"""Answers to IQs: queries, commands and contact cards."""
