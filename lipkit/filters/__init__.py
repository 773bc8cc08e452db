"""Which footage is fit to train on: what is measured of it, and the bounds that it must keep."""
