"""Limb: SMS as XMPP conversations, as a bot or as a component."""
