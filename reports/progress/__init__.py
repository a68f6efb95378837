"""Progress on stderr: how a comparison, a study and a replay go, and how long they still take."""
