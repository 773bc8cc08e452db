"""Faces: finding them, following them through time, cutting them out and putting them back."""
