"""The analysis of a trial table: groups, criteria, tests, verdict, and all words about them."""
