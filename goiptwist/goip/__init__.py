"""The limb that talks to GoIP devices."""
