"""What each exit code means."""

EXIT_CODES = {
    "0": "done",
    "1": "an audit found something, or a command that was measured used more than its budget",
    "2": "something must be mended first, one line says what",
    "70": "a fault of perjoule",
    "130, 143, 129": "stopped by Ctrl-C, SIGTERM and SIGHUP; what is done is kept",
}
OF_A_COMMAND = "Otherwise measure ends with the exit code of its command."
EPILOG = f"Exit codes: {'; '.join(f'{c} {what}' for c, what in EXIT_CODES.items())}. {OF_A_COMMAND}"
