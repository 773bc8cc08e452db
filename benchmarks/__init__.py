"""Scripts that print figures beside a peer, an earlier version or a limit."""
