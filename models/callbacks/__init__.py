"""Ready callbacks over the seam of `models.trial`, one module per library."""
