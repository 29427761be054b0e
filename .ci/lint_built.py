"""The rules of .ci/lint that need a build."""
import json
import os
import re
import subprocess

from lint_rules import Finding, zone_of

BY_ITSELF = ("tests/integration/",) # compiles what it preloads into the broker
OPTIONS_BEGIN = "<!-- options:begin -->"
OPTIONS_END = "<!-- options:end -->"


def rule_compiled(tree, build):
    """Each .c file is compiled by some target: a test that nobody builds shows nothing."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        built = {os.path.realpath(os.path.join(c["directory"], c["file"])) for c in json.load(f)}
    for path in tree.files:
        if not path.endswith(".c") or not zone_of(path) or path.startswith(BY_ITSELF):
            continue
        if os.path.realpath(os.path.join(tree.root, path)) not in built:
            yield Finding(path, 1, "compiled", "no target compiles this file: name it in its folder's CMakeLists.txt, or remove it")


def find_program(build, name):
    for folder, _, names in os.walk(build):
        if name in names and os.access(os.path.join(folder, name), os.X_OK):
            return os.path.join(folder, name)
    return None


def rule_options(tree, build):
    """The README's table of options is what fieldpost-options prints."""
    program = find_program(build, "fieldpost-options")
    if program is None:
        if "plugin/mosq/CMakeLists.txt" in tree.files:
            yield Finding("README.md", 1, "options", f"{build} holds no program fieldpost-options")
        return
    wanted = subprocess.run([program], check=True, capture_output=True, text=True).stdout.strip()
    match = re.search(re.escape(OPTIONS_BEGIN) + r"\n(.*?)" + re.escape(OPTIONS_END), tree.text("README.md") or "", re.S)
    if not match:
        yield Finding("README.md", 1, "options", f"no block {OPTIONS_BEGIN} ... {OPTIONS_END}")
    elif match[1].strip() != wanted:
        line = tree.text("README.md")[:match.start()].count("\n") + 1
        yield Finding("README.md", line, "options", "not what fieldpost-options prints: put its output between the marks")


RULES = {"compiled": rule_compiled, "options": rule_options}
