"""The HTTP limb."""
