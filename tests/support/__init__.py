"""What several test modules share: a release made by hand, references, a misbehaving server."""
