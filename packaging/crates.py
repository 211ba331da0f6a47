"""Which crates are linked into what is shipped, as Cargo says. Used by `notices` and `sbom`."""

import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent


def run(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def host():
    lines = run("rustc", "--version", "--verbose").splitlines()
    return next(line.split()[1] for line in lines if line.startswith("host: "))


def linked(target, features):
    """The library's own package, all that are linked (it first, then by name), and who needs whom."""
    metadata = json.loads(
        run("cargo", "metadata", "--locked", "--format-version=1", "--features", features,
            "--filter-platform", target)
    )
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    names = {"caretoken", "caretoken-cli"}
    roots = [id for id in metadata["workspace_members"] if packages[id]["name"] in names]
    roots.sort(key=lambda id: packages[id]["name"])

    def is_linked(package):
        # Macros run while compiling, and what they need with them.
        return not any("proc-macro" in target["kind"] for target in package["targets"])

    needs, waiting = {}, list(roots)
    while waiting:
        id = waiting.pop()
        if id in needs:
            continue
        needs[id] = sorted(
            dependency["pkg"]
            for dependency in nodes[id]["deps"]
            if any(kind["kind"] is None for kind in dependency["dep_kinds"])
            and is_linked(packages[dependency["pkg"]])
        )
        waiting += needs[id]
    others = sorted(
        (packages[id] for id in needs if id not in roots),
        key=lambda package: (package["name"], package["version"]),
    )
    return [packages[id] for id in roots] + others, needs
