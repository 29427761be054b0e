#!/usr/bin/env python3
"""keys.py: makes include/fp/keys.h from the CDDL.

Every rule `name = <integer>` becomes an enumerator FP_<NAME>; the table of kinds also becomes the list FP_KINDS.
    keys.py            writes the header
    keys.py --check    changes nothing; exits 1 and shows the difference if the header is not what would be written
"""
import argparse
import difflib
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
PLANES = ("common", "command", "event", "reply", "live", "trunk")
PRELUDE = {"any", "bool", "bstr", "float", "int", "null", "tstr", "uint"}

STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
NUMBER_RULE = re.compile(r"^([a-z][a-z0-9-]*)\s*=\s*([0-9]+)\s*$")
RULE = re.compile(r"^([a-z][a-z0-9-]*)\s*=")
CONTROL = re.compile(r"\.[a-z]+")
NAME = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z][A-Za-z0-9-]*")
KIND_COLUMNS = re.compile(r"^\s*(yes|no)\s+(up|now)\s+\S")


class Bad(Exception):
    """The CDDL breaks a rule of ours; the text begins with file and line."""


class Number:
    def __init__(self, name, value, comment, where):
        self.name, self.value, self.comment, self.where = name, value, comment, where
        self.macro = "FP_" + name.upper().replace("-", "_")


def split_comment(line):
    """The line without its strings and comment, and the comment."""
    bare = STRING.sub(lambda m: " " * len(m.group()), line)
    code, _, comment = bare.partition(";")
    return code, line[len(code) + 1:].strip() if comment or ";" in bare else ""


def read_plane(path, rules, uses):
    """Blocks of numbers that stand together; fills rules (name -> where) and uses ([name, where])."""
    blocks, block = [], []
    for count, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{path.name}:{count}"
        code, comment = split_comment(line)
        rule = RULE.match(code)
        if rule:
            name = rule.group(1)
            if name in rules:
                raise Bad(f"{where}: {name} is defined already, at {rules[name]}")
            rules[name] = where
        number = NUMBER_RULE.match(code)
        if number:
            block.append(Number(number.group(1), int(number.group(2)), comment, where))
            continue
        if block:
            blocks.append(block)
            block = []
        body = CONTROL.sub(" ", code[rule.end():] if rule else code)
        uses += [(name, where) for name in NAME.findall(body)]
    return blocks + ([block] if block else [])


def check_names(numbers, rules, uses):
    for name, where in uses:
        if name not in rules and name not in PRELUDE:
            raise Bad(f"{where}: {name} is defined nowhere")
    used = {name for name, _ in uses}
    macros = {}
    for number in numbers:
        if number.name not in used:
            raise Bad(f"{number.where}: {number.name} is used nowhere")
        if number.macro in macros:
            raise Bad(f"{number.where}: {number.name} makes {number.macro}, as {macros[number.macro]} does already")
        macros[number.macro] = number.where


def is_kind(number):
    return number.name.startswith("k-")


def kind_rows(numbers):
    rows, seen = [], {}
    for number in numbers:
        if not is_kind(number):
            continue
        columns = KIND_COLUMNS.match(number.comment)
        if not columns:
            raise Bad(f"{number.where}: {number.name} needs the columns durable (yes, no), topic (up, now) and body")
        durable, topic = columns.groups()
        if durable == "yes" and topic == "now":
            raise Bad(f"{number.where}: {number.name} is durable, so it cannot travel on now")
        if number.value in seen:
            raise Bad(f"{number.where}: {number.name} has the number of {seen[number.value]}")
        seen[number.value] = number.name
        rows.append((number.macro, int(durable == "yes"), int(topic == "now"), number.value))
    if not rows:
        raise Bad("command.cddl:1: no kinds")
    return rows


def render_block(block):
    width = max(len(n.macro) for n in block)
    lines = ["enum {"]
    for n in block:
        text = f"    {n.macro:<{width}} = {n.value},"
        note = re.sub(r"\s+", " ", n.comment)
        if note and not is_kind(n):
            text += f" /* {note} */"
        lines.append(text)
    return lines + ["};", ""]


def render(planes, rows):
    lines = [
        "/*",
        " * keys.h: every number on the wire.",
        " *",
        " * Made by schemas/gen/keys.py from the files in schemas/cddl; change those and run it again.",
        " */",
        "#ifndef FP_KEYS_H",
        "#define FP_KEYS_H",
        "",
        "/* clang-format off */",
        "",
    ]
    for plane, blocks in planes:
        if blocks:
            lines += [f"/* {'-' * 66} {plane}.cddl */", ""]
        for block in blocks:
            lines += render_block(block)
    width = max(len(macro) for macro, *_ in rows)
    lines += ["/* X(kind, durable, now) for every kind */", "#define FP_KINDS(X) \\"]
    lines += [f"    X({macro + ',':<{width + 1}} {durable}, {now}) \\" for macro, durable, now, _ in rows]
    lines[-1] = lines[-1][:-2]
    lines += [f"#define FP_KIND_MAX {max(value for *_, value in rows)}", "", "/* clang-format on */", "", "#endif", ""]
    return "\n".join(lines)


def generate(cddl):
    rules, uses, planes = {}, [], []
    for plane in PLANES:
        path = cddl / f"{plane}.cddl"
        if not path.is_file():
            raise Bad(f"{path}: not there")
        planes.append((plane, read_plane(path, rules, uses)))
    numbers = [number for _, blocks in planes for block in blocks for number in block]
    check_names(numbers, rules, uses)
    return render(planes, kind_rows(numbers))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 if the header is stale")
    parser.add_argument("--cddl", type=pathlib.Path, default=HERE.parent / "cddl", help="the folder to read")
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "include" / "fp" / "keys.h", help="the header")
    args = parser.parse_args()
    try:
        text = generate(args.cddl)
        if not args.check:
            args.out.write_text(text, encoding="utf-8")
            return 0
        old = args.out.read_text(encoding="utf-8") if args.out.is_file() else ""
    except (Bad, OSError) as error:
        print(f"keys.py: {error}", file=sys.stderr)
        return 2
    if old == text:
        return 0
    diff = difflib.unified_diff(old.splitlines(True), text.splitlines(True), str(args.out), "from the CDDL")
    sys.stdout.writelines(diff)
    print(f"keys.py: {args.out} is stale; run schemas/gen/keys.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
