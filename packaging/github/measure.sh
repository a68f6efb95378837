#!/usr/bin/env bash
# Meters INPUT_RUN and puts the joules into the job's summary and the step's outputs.
set -euo pipefail

folder=$(mktemp -d "$RUNNER_TEMP/perjoule-XXXXXX")
perjoule=$RUNNER_TEMP/perjoule/bin/perjoule
[ -x "$perjoule" ] || perjoule=perjoule

options=(--meter "$INPUT_METER" --out "$folder/joules.json" --out "$folder/joules.md")
[ -z "$INPUT_ZONE" ] || options+=(--carbon "$INPUT_ZONE")
[ -z "$INPUT_BUDGET" ] || options+=(--budget "$INPUT_BUDGET")

printf '%s\n' "$INPUT_RUN" > "$folder/run.sh"
code=0
"$perjoule" measure "${options[@]}" -- bash --noprofile --norc -eo pipefail "$folder/run.sh" || code=$?

if [ -s "$folder/joules.md" ]; then
    { printf '### %s\n\n' "$INPUT_NAME"; cat "$folder/joules.md"; } >> "$GITHUB_STEP_SUMMARY"
    python3 - "$folder" >> "$GITHUB_OUTPUT" <<'PYTHON'
import json, sys
folder = sys.argv[1]
with open(f"{folder}/joules.json") as file:
    found = json.load(file)
joules = found["total_j"]
print(f"energy_j={'' if joules is None else joules}")
print(f"kind={found['kind']}")
print(f"json={folder}/joules.json")
print(f"markdown={folder}/joules.md")
PYTHON
fi
exit "$code"
