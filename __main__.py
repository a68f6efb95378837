"""``python -m perjoule``."""

from .cli import main

main()
