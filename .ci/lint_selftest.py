"""A lint that cannot fail is a defect: for each rule a bad tree that it must catch, at the right line, and a good one that it must pass."""
import os
import subprocess
import tempfile

import lint_built
import lint_rules

HEADER = "#ifndef PLUGIN_CORE_A_H\n#define PLUGIN_CORE_A_H\n#endif\n"
LONG = "int f(void)\n{\n" + "    g();\n" * 61 + "}\n"
NEVER = "#!/usr/bin/python3\nimport sys\nsys.exit(1)\n"

# rule, path, good text, bad text, line of the finding
CASES = [
    ("include", "plugin/core/a.c", '#include "fp/err.h"\n#include <string.h>\n', '#include "plugin/hub/store.h"\n', 1),
    ("include", "plugin/core/a.c", '#include "plugin/core/a.h"\n', '\n#include "a.h"\n', 2),
    ("include", "plugin/core/a.c", "#include <stdint.h>\n", "#include <stdio.h>\n", 1),
    ("include", "plugin/hub/a.c", "#include <stdlib.h>\n", "#include <time.h>\n", 1),
    ("include", "plugin/hub/a.c", '#include "plugin/core/a.h"\n', '#include "plugin/sqlite/sqlite_store.h"\n', 1),
    ("include", "plugin/sqlite/a.c", "#include <sqlite3.h>\n", '#include "plugin/mosq/ring.h"\n', 1),
    ("include", "plugin/mosq/a.c", '#include "plugin/sqlite/sqlite_store.h"\n', '#include "plugin/sqlite/schema.h"\n', 1),
    ("include", "plugin/mosq/a.c", "#include <mosquitto_plugin.h>\n", "#include <sqlite3.h>\n", 1),
    ("include", "firmware-client/ports/a.c", "#include <mbedtls/ssl.h>\n", "#include <sqlite3.h>\n", 1),
    ("include", "firmware-client/cli/a.c", '#include "firmware-client/ports/posix.h"\n', "\n#include <mbedtls/ssl.h>\n", 2),
    ("include", "schemas/src/a.c", "#include <cbor.h>\n", '#include "plugin/core/a.h"\n', 1),
    ("banned", "plugin/mosq/a.c", '/* strcpy(a, b) */ const char *s = "strcpy(a)";\n', "void f(void) { strcpy(a, b); }\n", 1),
    ("banned", "plugin/hub/a.c", "int x = store->time(1);\n", "\nint x = time(0);\n", 2),
    ("banned", "plugin/core/a.c", "int my_malloc(int x);\n", "void *p = malloc(1);\n", 1),
    ("banned", "plugin/hub/a.c", "void *p = malloc(1);\n", 'int n = snprintf(b, 1, "x");\n', 1),
    ("banned", "tests/unit/core/test_a.c", "int x = snprintf(b, 1);\n", "int x = usleep(5);\n", 1),
    ("length", "plugin/hub/a.c", "int x;\n" * 450, "int x;\n" * 451, 451),
    ("length", "plugin/hub/a.c", LONG.replace("    g();\n", "", 1), LONG, 2),
    ("guard", "plugin/core/a.h", HEADER, HEADER.replace("CORE_", ""), 1),
    ("format", "plugin/core/a.c", "int f(int *p);\n", "int f(void);\nint  f(int* p);\n", 2),
    ("text", "plugin/core/a.c", "int x;\n", "int x; \n", 1),
    ("text", ".cmake/a.cmake", "# x\n", "# x\n# y", 2),
    ("text", "tests/a.py", "x = 1\n", "x = 1\ny = '" + "z" * 150 + "'\n", 2),
    ("marks", "README.md", "To do it.\n", "\n" + "TO" + "DO: later\n", 2),
    ("places", "a.py", "x = 'a/work/b'\n", "x = '/ho" + "me/somebody/x'\n", 1),
    ("readme", "README.md", "see [it](README.md#x) and `README.md`\n", "\nshown by `test_that_is_not_there`\n", 2),
    ("readme", "README.md", "see [it](README.md)\n", "see [it](docs/gone.md)\n", 1),
    ("readme", "README.md", "run `README.md`\n", "run `tests/gone.py`\n", 1),
    ("scripts", "a.sh", "# shellcheck shell=bash\necho x\n", "if x; then\n", 2),
    ("scripts", "a.py", "x = 1\n", "x = 1\ny = = 2\n", 2),
    ("scripts", "tests/a", "echo x\n", "#!/bin/bash\necho x\n", 1),
]


def write(root, files):
    for path, text in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)


def findings(rule, files, *args):
    with tempfile.TemporaryDirectory() as root:
        write(root, files)
        args = [a.replace("ROOT", root) for a in args]
        return [(f.file, f.line, f.rule) for f in rule(lint_rules.Tree(root), *args)]


def check(name, rule, good, bad, where, *args):
    """True if the rule is silent on the good files and speaks at the right place about the bad ones."""
    wrongly = findings(rule, good, *args)
    found = findings(rule, bad, *args)
    if wrongly:
        print(f"self-test: {name} complains about a good file: {wrongly}")
    if where not in found:
        print(f"self-test: {name} does not catch {where}; it found {found}")
    return not wrongly and where in found


def special_checks():
    """Rules that look at more than one file."""
    core = {"plugin/core/a.c": "int x;\n"}
    yield check("top", lint_rules.rule_top, core | {".x/a": "1\n", "README.md": "x\n"}, core | {"cmake/a.cmake": "# x\n"}, ("cmake", 1, "top"))
    yield check("unit-test", lint_rules.rule_unit_test, core | {"tests/unit/core/test_a.c": "int y;\n"}, core, ("plugin/core/a.c", 1, "unit-test"))

    keys = {"schemas/include/fp/keys.h": "x\n", "schemas/gen/keys.py": "import sys\nsys.exit(0)\n"}
    yield check("keys", lint_rules.rule_keys, keys, keys | {"schemas/gen/keys.py": NEVER}, ("schemas/include/fp/keys.h", 1, "keys"))
    yield check("keys", lint_rules.rule_keys, keys, {"schemas/include/fp/keys.h": "x\n"}, ("schemas/include/fp/keys.h", 1, "keys"))

    commands = '[{"directory": "/", "file": "ROOT/plugin/hub/a.c"}]'
    built = {"plugin/hub/a.c": "int x;\n"}
    yield check_built(built, commands, "plugin/hub/a.c", good=True)
    yield check_built(built | {"tests/unit/test_b.c": "int x;\n"}, commands, "tests/unit/test_b.c", good=False)
    yield check_options("| db |", good=True)
    yield check_options("| something else |", good=False)


def check_built(files, commands, path, good):
    with tempfile.TemporaryDirectory() as root:
        write(root, files | {"build/compile_commands.json": commands.replace("ROOT", root)})
        found = list(lint_built.rule_compiled(lint_rules.Tree(root), os.path.join(root, "build")))
    if good == bool(found):
        print(f"self-test: compiled: wrong about {path}: {found}")
    return good != bool(found)


def check_options(readme, good):
    with tempfile.TemporaryDirectory() as root:
        write(root, {"README.md": f"{lint_built.OPTIONS_BEGIN}\n{readme}\n{lint_built.OPTIONS_END}\n",
                     "build/fieldpost-options": "#!/bin/sh\necho '| db |'\n"})
        subprocess.run(["chmod", "+x", os.path.join(root, "build/fieldpost-options")], check=True)
        found = list(lint_built.rule_options(lint_rules.Tree(root), os.path.join(root, "build")))
    if good == bool(found):
        print(f"self-test: options: wrong about {readme}: {found}")
    return good != bool(found)


def main():
    style = {}
    settings = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), ".clang-format")
    with open(settings, encoding="utf-8") as f:
        style[".clang-format"] = f.read()
    results = []
    for name, path, good, bad, line in CASES:
        results.append(check(name, lint_rules.RULES[name], style | {path: good}, style | {path: bad}, (path, line, name)))
    results += list(special_checks())
    tested = {case[0] for case in CASES} | {"unit-test", "keys", "top"}
    for name in lint_rules.RULES.keys() - tested:
        print(f"self-test: no case for the rule {name}")
        results.append(False)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1
