"""Readers of measurement files: any table becomes one raw form, and that becomes readings."""
