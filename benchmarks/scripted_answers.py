"""Whether the command fixes each bug of a suite with the answers in the bug's own folder, from end to end.

Run with `python -m benchmarks.scripted_answers benchmarks/typescript [INSTANCE...]`; needs Node.js, and once npm's
registry. The sandbox is bubblewrap unless `HYDRA_SANDBOX__BACKEND` says otherwise.

For each bug: the verdict, the attempts, the seconds, the files of the fix, and whether they are those of the right one.
Exit status 1 when one is not fixed there.
"""

import argparse
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from activities.git.command import run_git
from benchmarks import run
from hydra_cli.bench.suite import BugInstance, check_out, read_suite
from hydranet.contracts import RunResult
from hydranet.genealogy import Genealogy, Verdict

MODEL = "model.jsonl"
HYDRA = Path(sysconfig.get_path("scripts")) / "hydra"


def fix(instance: BugInstance, folder: Path, env: dict[str, str]) -> tuple[RunResult, Genealogy, set[str]]:
    """Run `hydra fix` on a bug in `folder` and return its result, its record and the files that the fix changes."""
    repository = check_out(instance, folder / instance.id)
    command = [str(HYDRA), "fix", "--repo", str(repository.path), "--issue", instance.issue]
    model = f"scripted:{instance.folder.resolve() / MODEL}"
    command += ["--test", instance.test_command, "--model", model, "--json"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if not done.stdout:
        sys.exit(done.stderr)
    answer = json.loads(done.stdout)
    result = RunResult.model_validate(answer["result"])
    changed = run_git(repository.path, "diff", "--name-only", "main", result.published or "main").decode().split()
    return result, Genealogy.model_validate(answer["genealogy"]), set(changed)


def main() -> None:
    """Print a line for each instance; exit with 1 when one is not fixed in the right files."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("suite", type=Path)
    parser.add_argument("only", nargs="*")
    given = parser.parse_args()
    instances, right = read_suite(given.suite, given.only)[1], 0
    with tempfile.TemporaryDirectory(prefix="hydra-scripted-") as name:
        folder = Path(name)
        env = {"HYDRA_SANDBOX__BACKEND": "bubblewrap", **os.environ, "HYDRA_DATA_DIR": str(folder / "data")}
        try:
            for instance in instances.values():
                began = time.monotonic()
                result, genealogy, changed = fix(instance, folder, env)
                is_right = result.verdict is Verdict.FIXED and changed == set(instance.gold_files)
                right += is_right
                attempts = sum(len(branch.attempts) for branch in genealogy.branches)
                seconds = time.monotonic() - began
                files = " ".join(sorted(changed)) or result.reason
                note = "" if is_right else "  NOT the right files"
                print(f"{instance.id:20} {result.verdict:10} {attempts} attempts {seconds:5.1f} s  {files}{note}")
        finally:
            subprocess.run([HYDRA, "down"], env=env, capture_output=True)
    print(f"{right} of {len(instances)} fixed in the right files")
    sys.exit(right < len(instances))


if __name__ == "__main__":
    run(main)
