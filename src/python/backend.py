# SPDX-License-Identifier: MIT
"""What pip calls to get a wheel (PEP 517): CMake builds, and this packs. Nothing but Python's own library."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


class UnsupportedOperation(Exception):
    """As PEP 517 has it: not a failure, but not offered."""


def build_sdist(sdist_directory, config_settings=None):
    raise UnsupportedOperation("the sources are the repository's, not src/python alone")


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    project = _project()
    with tempfile.TemporaryDirectory() as folder:
        _build(folder)
        name = f"{_name(project)}-{_tag()}.whl"
        with zipfile.ZipFile(os.path.join(wheel_directory, name), "w", zipfile.ZIP_DEFLATED) as wheel:
            _pack(wheel, os.path.join(folder, "python"), project)
    return name


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    """Also for packagers, who have the rest from CMake's installation."""
    project = _project()
    info = _info_folder(project)
    os.makedirs(os.path.join(metadata_directory, info), exist_ok=True)
    for name, data in _info(project).items():
        with open(os.path.join(metadata_directory, info, name), "wb") as file:
            file.write(data)
    return info


def _project():
    with open(os.path.join(HERE, "pyproject.toml"), "rb") as file:
        return tomllib.load(file)["project"]


def _build(folder):
    if not os.path.exists(os.path.join(ROOT, "include", "nosigbus")):
        raise RuntimeError(f"{HERE} is to be built where it is in nosigbus's repository")
    for tool in ("cmake", "c++"):
        if shutil.which(os.environ.get("CXX", tool) if tool == "c++" else tool) is None:
            raise RuntimeError(f"{tool} is needed to build nosigbus, and is not installed")
    options = {
        "CMAKE_BUILD_TYPE": "Release",
        "NOSIGBUS_BUILD_BENCH": "OFF",
        "NOSIGBUS_BUILD_EXAMPLES": "OFF",
        "NOSIGBUS_BUILD_PYTHON": "ON",
        "NOSIGBUS_BUILD_TESTS": "OFF",
        "NOSIGBUS_BUILD_TOOLS": "OFF",
        "NOSIGBUS_PYTHON": sys.executable,
    }
    definitions = [f"-D{name}={value}" for name, value in options.items()]
    subprocess.run(["cmake", "-S", ROOT, "-B", folder, *definitions], check=True)
    jobs = str(os.cpu_count() or 1)
    subprocess.run(["cmake", "--build", folder, "--target", "nosigbus_python", "-j", jobs], check=True)
    if not os.path.exists(os.path.join(folder, "python", "nosigbus", "_nosigbus.abi3.so")):
        raise RuntimeError(f"{sys.executable} has no headers to build for (python3-dev)")


def _name(project):
    return f"{project['name']}-{project['version']}"


def _tag():
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    return f"cp311-abi3-{platform}"


def _info_folder(project):
    return f"{_name(project)}.dist-info"


def _info(project):
    """The files that say what is installed, but for the list of all files."""
    with open(os.path.join(ROOT, "LICENSE"), "rb") as file:
        license_text = file.read()
    metadata = [
        "Metadata-Version: 2.1",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"Requires-Python: {project['requires-python']}",
        f"License: {project['license']['text']}",
        *(f"Classifier: {classifier}" for classifier in project["classifiers"]),
    ]
    for extra, requirements in project["optional-dependencies"].items():
        metadata.append(f"Provides-Extra: {extra}")
        metadata += [f'Requires-Dist: {requirement}; extra == "{extra}"' for requirement in requirements]
    wheel = f"Wheel-Version: 1.0\nGenerator: nosigbus\nRoot-Is-Purelib: false\nTag: {_tag()}\n"
    return {"LICENSE": license_text, "METADATA": ("\n".join(metadata) + "\n").encode(), "WHEEL": wheel.encode()}


def _pack(wheel, folder, project):
    record = []

    def add(name, data, mode=0o644):
        entry = zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0))
        entry.external_attr = mode << 16
        wheel.writestr(entry, data, zipfile.ZIP_DEFLATED)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record.append(f"{name},sha256={digest},{len(data)}")

    package = os.path.join(folder, "nosigbus")
    for name in sorted(os.listdir(package)):
        if name == "__pycache__":
            continue
        with open(os.path.join(package, name), "rb") as file:
            add(f"nosigbus/{name}", file.read(), 0o755 if name.endswith(".so") else 0o644)
    info = _info_folder(project)
    for name, data in _info(project).items():
        add(f"{info}/{name}", data)
    wheel.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,"]) + "\n")
