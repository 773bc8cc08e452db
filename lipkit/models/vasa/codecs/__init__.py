"""Face codecs: appearance and motion apart, and together again."""
