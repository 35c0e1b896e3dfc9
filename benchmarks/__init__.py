"""Scripts that print ratios and write them into RESULTS.md; no test asserts a time."""
