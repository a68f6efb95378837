"""The sections of the page: one module each, which says what is shown, or that there is nothing."""
