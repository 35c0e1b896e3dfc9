"""Tests mirror the modules; tests/support is what they share."""
