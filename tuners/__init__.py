"""Search strategies behind one seam, ask and tell; see `strategy.py`."""
