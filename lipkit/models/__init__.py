"""Model families: one folder per architecture."""
