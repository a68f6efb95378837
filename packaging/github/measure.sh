#!/usr/bin/env bash
# Meters INPUT_RUN and puts the joules into the job's summary and the step's outputs.
set -euo pipefail

folder=$(mktemp -d "$RUNNER_TEMP/perjoule-XXXXXX")
perjoule=("$RUNNER_TEMP/perjoule/bin/python" -I -m perjoule)  # apart from the job's PYTHONPATH
[ -x "${perjoule[0]}" ] || perjoule=(perjoule)

options=(--meter "$INPUT_METER" --out "$folder/joules.json" --out "$folder/joules.md")
[ -z "$INPUT_ZONE" ] || options+=(--carbon "$INPUT_ZONE")
[ -z "$INPUT_BUDGET" ] || options+=(--budget "$INPUT_BUDGET")

printf '%s\n' "$INPUT_RUN" > "$folder/run.sh"
code=0
"${perjoule[@]}" measure "${options[@]}" -- bash --noprofile --norc -eo pipefail "$folder/run.sh" || code=$?

if [ -s "$folder/joules.md" ]; then  # that it cannot be told changes no exit code
    python3 -I "${BASH_SOURCE[0]%/*}/outputs.py" "$folder" ||
        echo "::warning::perjoule: the joules could not be put into the summary and the outputs"
fi
exit "$code"
