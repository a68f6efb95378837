"""What each exit code means."""

EXIT_CODES = {
    "0": "done",
    "1": "an audit found something",
    "2": "something must be mended first, one line says what",
    "70": "a fault of perjoule",
    "130, 143, 129": "stopped by Ctrl-C, SIGTERM and SIGHUP; what is done is kept",
}
OF_A_COMMAND = "That of measure is its command's."
EPILOG = f"Exit codes: {'; '.join(f'{c} {what}' for c, what in EXIT_CODES.items())}. {OF_A_COMMAND}"
