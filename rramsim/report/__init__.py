"""Report: from datasets to one self-contained HTML page, a CSV table and JSON."""
