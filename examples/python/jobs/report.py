"""A stage in Python: progress, a metric, an output, a failure that says whether trying again helps."""

import argparse
import json
import os
import pathlib
import sys


def say(**fact):
    print("::stagewright " + json.dumps(fact), flush=True)


arguments = argparse.ArgumentParser()
arguments.add_argument("--day", required=True)
day = arguments.parse_args().day
if day.endswith("-13"):
    say(fail={"code": "bad-input", "message": f"there are no figures of {day}", "retryable": False})
    sys.exit(1)

figures = []
for n in range(1, 4):
    figures.append(n * n)
    say(progress={"done": n, "total": 3, "unit": "parts"})

out = pathlib.Path("out")
out.mkdir(exist_ok=True)
target = out / f"report-{day}.json"
unfinished = out / f".{target.name}.{os.getpid()}"
unfinished.write_text(json.dumps({"day": day, "figures": figures}))
unfinished.rename(target)

say(metric={"figures": len(figures)})
say(output={"report": str(target)})
