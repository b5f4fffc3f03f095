"""Tests of the limb that talks to devices."""
