"""Other lips for real videos: clocks, faces, chunks and files around any ``Editor``."""
