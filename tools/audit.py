"""`make audit`: look for known vulnerabilities in the locked versions, with pip-audit.

Exit with 0 if none is known, with 1 if one is, and with 3 if some packages could not be checked. pip-audit
itself ends with 0 where its index knows none of the packages, as a mirror of the files alone does.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

LOCK = Path(__file__).parent.parent / "requirements.txt"
NONE, FOUND, NOT_CHECKED = 0, 1, 3


class Result(NamedTuple):
    """What pip-audit found out: the exit code, and the lines to print."""

    code: int
    lines: list[str]


def judge(output: str, errors: str) -> Result:
    """Return the result for the JSON that pip-audit printed, and for its error messages."""
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, LookupError, TypeError):
        last = errors.strip().splitlines()[-1:] or ["pip-audit wrote nothing."]
        return Result(
            NOT_CHECKED, [*last, "Nothing was checked: the index of vulnerabilities can't be reached."]
        )
    found = [line for package in packages for line in _vulnerabilities(package)]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    checked = f"{len(packages) - len(skipped)} of {len(packages)} packages were checked."
    if found:
        return Result(FOUND, [*found, checked])
    if skipped or not packages:
        return Result(
            NOT_CHECKED, [f"Not checked, since the index does not have them: {', '.join(skipped)}.", checked]
        )
    return Result(NONE, [f"No known vulnerabilities. {checked}"])


def _vulnerabilities(package: dict[str, Any]) -> Iterator[str]:
    for each in package.get("vulns", ()):
        fixed = ", ".join(each["fix_versions"]) or "no version yet"
        yield f"{package['name']} {package['version']}: {each['id']}, corrected in {fixed}"


def main() -> int:
    """Run pip-audit on the lock file, print what it found, and return the exit code."""
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--requirement",
        str(LOCK),
        "--require-hashes",
        "--disable-pip",
    ]
    command += ["--format", "json", "--progress-spinner", "off"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the command is our own
    result = judge(ran.stdout, ran.stderr)
    sys.stdout.write("\n".join(result.lines) + "\n")
    return result.code


if __name__ == "__main__":
    sys.exit(main())
