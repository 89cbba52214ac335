"""What `rramsim fit` shows: tables, page, JSON, CSV."""
