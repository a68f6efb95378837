"""Data sets, in fixed stratified splits."""
