"""Prove the gradients of every version."""

from tests.benchmarks.lines_zoo import VERSIONS, verify

if __name__ == "__main__":
    print(f"{verify()} right versions of {len({version.layer for version in VERSIONS})} layers")
