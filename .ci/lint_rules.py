"""The rules of .ci/lint. A rule takes the tree and yields Finding(file, line, rule, what to do)."""
import collections
import os
import re
import shutil
import subprocess
import sys

Finding = collections.namedtuple("Finding", "file line rule text")

FILE_LINES_MAX = 450
FUNCTION_LINES_MAX = 60
TEXT_COLUMNS_MAX = 150
GENERATED = ("schemas/include/fp/keys.h",)
TOP = {"plugin", "edge-relay", "schemas", "firmware-client", "tests", "CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE", "fieldpost"}

# ---------------------------------------------------------------- who may include whom
# Zone (a path prefix) => the zones whose headers it may include, besides its own and "fp/". Single files may be named too.
# Links go the same way: schemas < core < hub < adapters.
ZONES = {
    "schemas": [],
    "plugin/core": [],
    "plugin/hub": ["plugin/core"],
    "plugin/sqlite": ["plugin/core", "plugin/hub"],
    "plugin/mosq": ["plugin/core", "plugin/hub", "plugin/sqlite/sqlite_store.h"],
    "firmware-client/include": [],
    "firmware-client/core": ["firmware-client/include"],
    "firmware-client/ports": ["firmware-client/include", "firmware-client/core"],
    "firmware-client/cli": ["firmware-client/include", "firmware-client/ports",
                            "plugin/core/chain.h"],  # export and verify compute what the hub computes, by the same code
    "firmware-client/examples": ["firmware-client/include", "firmware-client/ports"],
    "edge-relay/core": [],
    "edge-relay/app": ["edge-relay/core", "firmware-client/include", "firmware-client/core/mqtt.h", "firmware-client/core/backoff.h"],
    "edge-relay/net": ["edge-relay/core", "edge-relay/app", "firmware-client/include", "firmware-client/ports"],
    "tests": [""],
}
PURE = ("schemas", "plugin/core", "firmware-client/include", "firmware-client/core", "edge-relay/core")
PURE_HEADERS = {"assert.h", "limits.h", "math.h", "stdalign.h", "stdbool.h", "stddef.h", "stdint.h", "string.h"}
# Zone => system headers that it may include; a zone that is not named may include all but OWNED ones.
SYSTEM = {zone: PURE_HEADERS for zone in PURE}
SYSTEM["schemas"] = PURE_HEADERS | {"cbor.h", "cbor/streaming.h", "cbor/encoding.h", "cbor/callbacks.h"}
SYSTEM["plugin/core"] = PURE_HEADERS | {"mbedtls/sha256.h"}
SYSTEM["plugin/hub"] = PURE_HEADERS | {"inttypes.h", "stdlib.h", "uthash.h", "utlist.h", "utarray.h", "zlib.h"}
SYSTEM["edge-relay/app"] = PURE_HEADERS | {"inttypes.h", "stdlib.h", "uthash.h", "utlist.h"}
# Foreign interfaces and the only zones that may speak them (tests may speak all).
OWNED = {"sqlite3.h": ("plugin/sqlite",), "mosquitto_plugin.h": ("plugin/mosq",), "mosquitto_broker.h": ("plugin/mosq",),
         "cbor.h": ("schemas",), "libwebsockets.h": ("edge-relay/net",),
         "mbedtls/ssl.h": ("firmware-client/ports", "firmware-client/examples", "edge-relay/net")}

# ---------------------------------------------------------------- calls
ALWAYS_BANNED = {
    "strcpy": "copy with a known length", "strcat": "copy with a known length", "strncpy": "use memcpy with a checked length",
    "strncat": "use memcpy with a checked length", "sprintf": "use snprintf and check its result",
    "vsprintf": "use vsnprintf and check its result", "gets": "use fgets", "alloca": "use a bounded array",
    "atoi": "use strtoul and check for errors", "atol": "use strtoul and check for errors", "atof": "use strtod and check for errors",
    "system": "do not start a shell", "popen": "do not start a shell", "strtok": "it keeps hidden state; walk the bytes",
    "rand": "chance comes in from outside", "srand": "chance comes in from outside", "random": "chance comes in from outside",
    "tmpnam": "use mkstemp", "mktemp": "use mkstemp", "setjmp": "return errors", "longjmp": "return errors",
}
STDIO = ("printf", "fprintf", "snprintf", "vprintf", "vfprintf", "vsnprintf", "dprintf", "puts", "putchar", "perror", "fopen", "scanf", "sscanf")
CLOCK = ("time", "clock", "clock_gettime", "gettimeofday", "sleep", "usleep", "nanosleep")
HEAP = ("malloc", "calloc", "realloc", "free", "strdup", "strndup", "reallocarray")
ADAPTERS = ("plugin/sqlite", "plugin/mosq", "edge-relay/net", "firmware-client/ports", "firmware-client/cli", "firmware-client/examples")


def zone_of(path):
    found = [z for z in ZONES if path.startswith(z + "/")]
    return max(found, key=len) if found else None


def is_c(path):
    return path.endswith((".c", ".h"))


def strip(text):
    """Comments and literals become blanks; lines keep their numbers."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


class Tree:
    """The files that git knows or would take in (all files where there is no git), with their text."""

    def __init__(self, root):
        self.root = root
        self.files = sorted(self._list())
        self._text = {}

    def _list(self):
        if os.path.exists(os.path.join(self.root, ".git")):
            out = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=self.root,
                                 check=True, capture_output=True, text=True).stdout
            return [f for f in set(out.split("\0")) if f and os.path.isfile(os.path.join(self.root, f))]
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders if f not in ("build", "__pycache__")]
            found += [os.path.relpath(os.path.join(folder, n), self.root) for n in names]
        return found

    def text(self, path):
        if path not in self._text:
            with open(os.path.join(self.root, path), "rb") as f:
                raw = f.read()
            try:
                self._text[path] = None if b"\0" in raw else raw.decode()
            except UnicodeDecodeError:
                self._text[path] = None
        return self._text[path]

    def lines(self, path):
        return enumerate((self.text(path) or "").split("\n"), 1)

    def code(self):
        return [f for f in self.files if is_c(f) and zone_of(f)]


def rule_include(tree):
    """Includes go one way: schemas < core < hub < adapters."""
    pattern = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
    for path in tree.code():
        zone = zone_of(path)
        for number, line in tree.lines(path):
            match = pattern.match(line)
            if not match:
                continue
            why = quoted_include(zone, match[2], path) if match[1] == '"' else system_include(zone, match[2])
            if why:
                yield Finding(path, number, "include", why)


def quoted_include(zone, name, path):
    if name.startswith("fp/"):
        return None
    if "/" not in name:
        return None if zone == "tests" else f'include from the root: "{os.path.dirname(path)}/{name}"'
    if name.startswith("../") or "/../" in name:
        return "include from the root, not by ../"
    allowed = [zone] + ZONES[zone]
    if any(a == "" or name == a or name.startswith(a + "/") for a in allowed):
        return None
    return f"{zone} may not include {name}; it may include fp/ and {', '.join(allowed)}"


def system_include(zone, name):
    if zone == "tests":
        return None
    if name in OWNED and zone not in OWNED[name]:
        return f"only {' and '.join(OWNED[name])} may speak <{name}>; go through its port"
    if zone in SYSTEM and name not in SYSTEM[zone]:
        return f"{zone} may not use <{name}>; let an adapter do it, or let the value come in as a parameter"
    return None


def banned_in(zone, path):
    banned = dict(ALWAYS_BANNED)
    if zone == "tests":
        for name in ("setjmp", "longjmp"):
            del banned[name]
        if path.startswith(("tests/unit/", "tests/property/")):
            banned.update({n: "no sleeps in tests: move the clock" for n in ("sleep", "usleep", "nanosleep")})
        return banned
    if zone not in ADAPTERS:
        banned.update({n: "no stdio outside adapters and tests" for n in STDIO})
        banned.update({n: "time comes in as a parameter" for n in CLOCK})
    if zone in PURE:
        banned.update({n: "no heap here: the caller owns every struct" for n in HEAP})
    return banned


def rule_banned(tree):
    """Calls that we do not make."""
    call = re.compile(r"(?<![\w.>])(\w+)\s*\(")
    for path in tree.code():
        banned = banned_in(zone_of(path), path)
        for number, line in enumerate(strip(tree.text(path)).split("\n"), 1):
            for name in call.findall(line):
                if name in banned:
                    yield Finding(path, number, "banned", f"{name}(): {banned[name]}")


def rule_unit_test(tree):
    """Each core file has a unit test of its own name."""
    tests = {os.path.basename(f) for f in tree.files if f.startswith("tests/unit/")}
    for path in tree.files:
        if re.fullmatch(r"(plugin/core|schemas/src|edge-relay/core|firmware-client/core)/.*\.c", path):
            name = "test_" + os.path.basename(path)
            if name not in tests:
                yield Finding(path, 1, "unit-test", f"add tests/unit/<folder>/{name}")


def rule_length(tree):
    """Files and functions stay short."""
    for path in tree.code():
        if path.startswith("tests/") or path in GENERATED:
            continue
        lines = tree.text(path).split("\n")
        if len(lines) - 1 > FILE_LINES_MAX:
            yield Finding(path, FILE_LINES_MAX + 1, "length", f"{len(lines) - 1} lines, at most {FILE_LINES_MAX}: one idea a file")
        start = None
        for number, line in enumerate(lines, 1):
            if line == "{":
                start = number
            elif line == "}" and start is not None:
                if number - start - 1 > FUNCTION_LINES_MAX:
                    yield Finding(path, start, "length", f"a function of {number - start - 1} lines, at most {FUNCTION_LINES_MAX}: split it")
                start = None


def rule_guard(tree):
    """A header's guard is its path."""
    for path in tree.code():
        if not path.endswith(".h"):
            continue
        short = path.removeprefix("schemas/include/").removeprefix("tests/")
        guard = re.sub(r"\W", "_", short).upper()
        if not re.search(rf"^#ifndef (TESTS_)?{guard}$", tree.text(path), re.M):
            yield Finding(path, 1, "guard", f"the include guard should be {guard}")


def rule_format(tree):
    """C outside the tests is as clang-format writes it."""
    files = [f for f in tree.code() if not f.startswith("tests/")]
    if not files:
        return
    if not shutil.which("clang-format"):
        yield Finding(".clang-format", 1, "format", "clang-format is missing: apt-get install clang-format")
        return
    out = subprocess.run(["clang-format", "--dry-run", "-Werror", "--style=file"] + files, cwd=tree.root, capture_output=True, text=True)
    told = set()
    for line in out.stderr.split("\n"):
        match = re.match(r"(.+?):(\d+):\d+: error: code should be clang-formatted", line)
        if match and match[1] not in told: # the first of each file is enough
            told.add(match[1])
            yield Finding(match[1], int(match[2]), "format", f"run clang-format -i {match[1]}")
    if out.returncode != 0 and not told:
        yield Finding(".clang-format", 1, "format", out.stderr.strip().split("\n")[0])


def rule_text(tree):
    """Text files: no tabs, no trailing blanks, a newline at the end, no line over the limit (prose aside)."""
    for path in tree.files:
        text = tree.text(path)
        if not text or not (is_c(path) or path.endswith((".py", ".sh", ".txt", ".cmake", ".md", ".cddl", ".json")) or path in SCRIPTS):
            continue
        if not text.endswith("\n"):
            yield Finding(path, text.count("\n") + 1, "text", "end the file with a newline")
        for number, line in tree.lines(path):
            if line != line.rstrip():
                yield Finding(path, number, "text", "trailing blanks")
            if "\t" in line and not path.endswith(".txt"):
                yield Finding(path, number, "text", "a tab; indent with blanks")
            if len(line) > TEXT_COLUMNS_MAX and not path.endswith((".md", ".json", ".txt")):
                yield Finding(path, number, "text", f"{len(line)} columns, at most {TEXT_COLUMNS_MAX}")


MARKS = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
PLACES = re.compile(r"(?<![\w.])/(?:work|root|home|Users)/[\w.]")


def rule_top(tree):
    """The top level holds what the project is made of; all else begins with a dot."""
    for name in sorted({path.split("/")[0] for path in tree.files} - TOP):
        if not name.startswith("."):
            yield Finding(name, 1, "top", "not at the top level: put it into one of its folders, or let its name begin with a dot")


def rule_marks(tree):
    """No notes to oneself."""
    for path in tree.files:
        for number, line in tree.lines(path):
            match = MARKS.search(line)
            if match:
                yield Finding(path, number, "marks", f"{match[0]}: do it, or say in prose what does not hold yet and why")


def rule_places(tree):
    """No paths of one particular machine."""
    for path in tree.files:
        for number, line in tree.lines(path):
            match = PLACES.search(line)
            if match:
                yield Finding(path, number, "places", f"{match[0]}...: an absolute path of somebody's machine")


def rule_keys(tree):
    """keys.h is what the CDDL says."""
    generator = "schemas/gen/keys.py"
    header = "schemas/include/fp/keys.h"
    if header not in tree.files and generator not in tree.files:
        return
    if generator not in tree.files or header not in tree.files:
        yield Finding(header, 1, "keys", f"{generator} and {header} belong together; one is missing")
        return
    out = subprocess.run([sys.executable, "-B", generator, "--check"], cwd=tree.root, capture_output=True, text=True)
    if out.returncode != 0:
        why = (out.stdout + out.stderr).strip().split("\n")[-1]
        yield Finding(header, 1, "keys", f"run {generator} and commit what it writes ({why})")


def rule_readme(tree):
    """Every test and file that the README names is there."""
    names = set(tree.files) | {os.path.basename(f) for f in tree.files}
    tests = set()
    for path in tree.files:
        if path.startswith("tests/"):
            tests |= set(re.findall(r"\bdef (test_\w+)", tree.text(path) or ""))
    for number, line in tree.lines("README.md") if "README.md" in tree.files else ():
        for name in re.findall(r"`(test_\w+)`", line):
            if name not in tests:
                yield Finding("README.md", number, "readme", f"no test {name}")
        for name in re.findall(r"`([\w./]+\.(?:c|py|h|sh))`", line) + re.findall(r"\]\(([\w./]+)(?:#[\w-]+)?\)", line):
            if name not in names and not any(f.startswith(name.rstrip("/") + "/") for f in tree.files):
                yield Finding("README.md", number, "readme", f"no file {name}")


SCRIPTS = ("fieldpost", ".ci/run", ".ci/lint", ".ci/purity", ".ci/install")


def rule_scripts(tree):
    """Scripts are executable, and parse; bash ones pass shellcheck where there is one."""
    for path in tree.files:
        text = tree.text(path) or ""
        shebang = text.split("\n")[0] if text.startswith("#!") else ""
        full = os.path.join(tree.root, path)
        if shebang and not os.access(full, os.X_OK):
            yield Finding(path, 1, "scripts", f"it has a #! line, so: chmod +x {path}")
        if path.endswith(".py") or "python" in shebang:
            try:
                compile(text, path, "exec")
            except SyntaxError as err:
                yield Finding(path, err.lineno or 1, "scripts", f"python: {err.msg}")
        elif path.endswith(".sh") or re.search(r"\b(ba|da)?sh\b", shebang):
            yield from shell_findings(tree, path)


def shell_findings(tree, path):
    out = subprocess.run(["bash", "-n", path], cwd=tree.root, capture_output=True, text=True)
    if out.returncode != 0:
        match = re.search(r"line (\d+): (.*)", out.stderr)
        yield Finding(path, int(match[1]) if match else 1, "scripts", f"bash: {match[2] if match else out.stderr.strip()}")
    elif shutil.which("shellcheck"):
        out = subprocess.run(["shellcheck", "-x", "-f", "gcc", path], cwd=tree.root, capture_output=True, text=True)
        for line in out.stdout.split("\n"):
            match = re.match(r".+?:(\d+):\d+: \w+: (.*)", line)
            if match:
                yield Finding(path, int(match[1]), "scripts", f"shellcheck: {match[2]}")


RULES = {
    "include": rule_include, "banned": rule_banned, "unit-test": rule_unit_test, "length": rule_length, "guard": rule_guard,
    "format": rule_format, "text": rule_text, "marks": rule_marks, "places": rule_places, "keys": rule_keys, "scripts": rule_scripts,
    "readme": rule_readme, "top": rule_top,
}
