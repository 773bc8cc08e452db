"""A corpus of talking made by programs: free speech synthesizers and procedural gestures."""
