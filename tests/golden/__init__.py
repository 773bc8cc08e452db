"""Parity with tensors that the official codes computed: fixtures, runners, tolerances."""
