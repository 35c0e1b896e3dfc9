"""The version of the package, for whatever needs it and may not import the whole."""

__version__ = "0.1.0"
