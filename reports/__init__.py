"""What people read: the figures of a comparison and the one page that carries them."""
