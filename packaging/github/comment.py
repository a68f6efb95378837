"""Puts the joules of a command into one comment of the pull request, the same at each run.

It runs with whatever Python a runner has, so with the standard library alone. What it cannot
write, as from a fork, whose token may only read, is told and fails nothing.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

PER_PAGE = 100
MOST_PAGES = 30


def main() -> int:
    """Write the comment of the pull request that the event is of, if it is of one."""
    number = pull_request(json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text("utf-8")))
    if number is None:
        print("No pull request, so no comment.")
        return 0
    mark = f"<!-- perjoule: {urllib.parse.quote(os.environ['INPUT_NAME'], ' /')} -->"
    body = f"{mark}\n{Path(os.environ['MARKDOWN']).read_text('utf-8')}"
    try:
        print(f"The joules are at {write(number, mark, body)}")
    except (OSError, ValueError, LookupError, TypeError, http.client.HTTPException) as error:
        print(f"::warning::perjoule: no comment could be written ({error}); the summary has it all")
    return 0


def pull_request(event: dict[str, Any]) -> int | None:
    """The number of the pull request that an event is of."""
    issue = event.get("issue", {})
    found = event.get("pull_request") or (issue if "pull_request" in issue else {})
    return found.get("number")


def write(number: int, mark: str, body: str) -> str:
    """Write over the comment that bears the mark, or a new one; gives its address."""
    comments = f"/repos/{os.environ['GITHUB_REPOSITORY']}/issues/{number}/comments"
    person = writer()
    for page in range(1, MOST_PAGES + 1):
        found = ask("GET", f"{comments}?per_page={PER_PAGE}&page={page}")
        for each in found:
            by = each["user"] or {}  # of an account that is no more
            is_own = by.get("type") == "Bot" if person is None else by.get("login") == person
            if is_own and (each["body"] or "").startswith(mark):
                path = f"/repos/{os.environ['GITHUB_REPOSITORY']}/issues/comments/{each['id']}"
                return ask("PATCH", path, {"body": body})["html_url"]
        if len(found) < PER_PAGE:
            break
    return ask("POST", comments, {"body": body})["html_url"]


def writer() -> str | None:
    """The person whose token this is; None if it is a job's or an app's, which are bots."""
    try:
        return ask("GET", "/user")["login"]
    except OSError:
        return None


def ask(method: str, path: str, data: dict[str, str] | None = None) -> Any:
    """Ask GitHub's interface."""
    request = urllib.request.Request(
        os.environ["GITHUB_API_URL"] + path,
        None if data is None else json.dumps(data).encode(),
        {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {os.environ['INPUT_TOKEN']}",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": "2022-11-28",
        },
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise OSError(f"{method} {path}: {error.code} {error.reason}") from error


if __name__ == "__main__":
    sys.exit(main())
