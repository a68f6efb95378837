"""What people read: figures, and the pages that carry them."""
