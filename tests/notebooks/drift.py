"""The drift gate: the lessons once more as another CPU would compute them, and every output still the committed one.

    python tests/notebooks/drift.py [LESSON …]        all written lessons by default

Another instruction set gives other last bits, and training may amplify them until a printed digit changes. The libraries
can be told to leave the newer instructions alone, so that one machine stands for an older one.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys

from course_lib.lessons import ROOT, kernel_environment

POINTS = {
    # The oldest x86-64 that the libraries still run on.
    "oldest": {
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "OPENBLAS_CORETYPE": "Prescott",
        "OMP_NUM_THREADS": "2",
    },
    # A laptop of the last ten years, without AVX-512.
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_CBWR": "AVX2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
        "OMP_NUM_THREADS": "2",
    },
}
KEPT_BY_NUMPY = {"oldest": set(), "avx2": {"AVX2", "FMA3", "AVX", "F16C", "X86_V3"}}


def applies() -> bool:
    """Whether this machine can stand for an older one: the switches are those of x86-64 libraries."""
    return platform.machine().lower() in ("x86_64", "amd64")


def environment(point: str) -> dict[str, str]:
    """The variables of a drift point; NumPy is told of those features only that this CPU has and it can switch off."""
    import numpy

    dispatched = numpy.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    features = [feature for feature in dispatched if feature not in KEPT_BY_NUMPY[point]]
    return {**POINTS[point], **({"NPY_DISABLE_CPU_FEATURES": " ".join(features)} if features else {})}


def run(code: str, point: str, *arguments: str) -> subprocess.CompletedProcess:
    """A piece of Python in a process of its own, under a drift point; kernels that it starts inherit the variables."""
    variables = {k: v for k, v in kernel_environment().items() if not k.startswith("PYTEST_")} | environment(point)
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True)


def check(names: list[str], point: str) -> subprocess.CompletedProcess:
    """``course check`` of lessons (all if there are no names) under a drift point."""
    return run("import sys; from course_lib.validation import check; sys.exit(check(sys.argv[1:]))", point, *names)


if __name__ == "__main__":
    status = 0
    for name in POINTS:
        done = check(sys.argv[1:], name)
        print(f"drift point {name}: {os.linesep}{done.stdout}{done.stderr}")
        status = status or done.returncode
    sys.exit(status)
