"""Wattmeters over HTTP."""
