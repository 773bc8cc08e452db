"""Losses: tensors in, numbers out. Networks that judge are given, not loaded."""
