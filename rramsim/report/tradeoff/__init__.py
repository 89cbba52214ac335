"""What `rramsim tradeoff` shows: tables, page, JSON, CSV."""
