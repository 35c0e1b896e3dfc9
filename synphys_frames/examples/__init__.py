"""A gallery of pictures and a tutorial notebook, both made from the synthetic sample."""
