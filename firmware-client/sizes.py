#!/usr/bin/python3 -B
"""How much flash and RAM the client takes on a Cortex-M3, measured on the images of examples/mps2-an385.

usage: firmware-client/sizes.py [--check | --write] [DIR]

Builds the images in DIR (default build/sizes), reads their link maps, runs them in QEMU for a second each to ask how large the
client's block must be, and prints a table. Where mbedTLS can't be had, the rows of the PSK image are left out, and neither checked nor written.

  --check   also fails if the table in firmware-client/README.md is another one
  --write   puts the table there

Exit codes: 0 within the limits, 1 over a limit, malloc() in an image, another table or a failed build, 2 bad usage.
"""
import argparse
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE / "examples/mps2-an385"
README = HERE / "README.md"
BEGIN, END = "<!-- sizes:begin -->", "<!-- sizes:end -->"

# What we want, and what may not be exceeded on the way there: lower a limit when a change makes room, never raise it without a reason.
CLIENT_GOAL, CLIENT_MAX = 10 * 1024, 32 * 1024   # bytes of code and constants
PSK_FLASH_GOAL, PSK_FLASH_MAX = 40 * 1024, 60 * 1024
PSK_RAM_MAX = 8 * 1024   # beside the client's block and the TLS records
TLS_RECORDS = 2 * 1024   # MBEDTLS_SSL_{IN,OUT}_CONTENT_LEN
PORT = "the TLS port"
PARTS = {  # by the name of the object file; the first that fits
    "MQTT 3.1.1": r"client/mqtt",
    "CBOR, topics and message codecs": r"client/(cbor|command|event|live|reply|topic|bytes|err)",
    "outbox": r"client/(outbox|log|crc)",
    "session (link, sending, receiving, clock)": r"client/",
    "mbedTLS": r"mbedtls/",
    PORT: r"psk/",
    "the board (UART, clock, files, settings, main)": r"(board|plain)/",
    "compiler's and C library": r"",
}
CLIENT = list(PARTS)[:4]


class Image:
    """A linked image: bytes of flash by part, of RAM by symbol, and what its board said."""

    def __init__(self, folder, name):
        self.map = (folder / f"{name}.map").read_text()
        self.flash, self.ram = Counter(), Counter()
        placed = self.map.split("Linker script and memory map", 1)[1]
        section = None
        for name_, at, size, source in re.findall(r"^ ?(\.[\w.*-]+|COMMON)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)(?: +(\S.*))?$", placed, re.M):
            size = int(size, 16)
            if not source or source.startswith("load address"):
                section = name_ # of the image; what it is made of follows
            elif size and section in (".text", ".ARM.exidx", ".data", ".bss"):
                self._take(section, name_, size, self.part(source))
        size = subprocess.run(["arm-none-eabi-size", folder / f"{name}.elf"], check=True, capture_output=True, text=True).stdout.split()[6:]
        self.flash_bytes, self.ram_bytes = int(size[0]) + int(size[1]), int(size[1]) + int(size[2])
        self.said = dict(re.findall(r"^(memory) (\d+)", run(folder, name), re.M))

    def _take(self, section, name, size, part):
        if section != ".bss":
            self.flash[part] += size
        if section in (".data", ".bss"):
            symbol = re.sub(r"^\.(bss|data)\.?", "", name)
            self.ram[symbol or f"of {part}"] += size

    @staticmethod
    def part(source):
        short = "/".join(source.split("/")[-2:])
        return next(name for name, pattern in PARTS.items() if re.match(pattern, short))

    def fact(self, name):
        return int(self.said[name])

    def has_malloc(self):
        return re.search(r"^\s*0x[0-9a-f]+\s+_?(malloc|calloc|realloc|_malloc_r|_sbrk)$|lib_a-\w*malloc", self.map, re.M) is not None


def run(folder, name):
    """What the board says in a second without a network."""
    flash = folder / f"{name}.flash"
    flash.unlink(missing_ok=True)
    settings = ["fieldpost", "device=d", "user=u", "conv=c", f"flash={flash}", "psk=00112233445566778899aabbccddeeff", "count=1", "late=1"]
    out = subprocess.run(["qemu-system-arm", "-M", "mps2-an385", "-kernel", str(folder / f"{name}.elf"), "-display", "none", "-monitor", "none",
                          "-serial", "null", "-chardev", "stdio,id=say,signal=off", "-semihosting-config",
                          "enable=on,target=native,chardev=say" + "".join(f",arg={s}" for s in settings)],
                         stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    return out.stdout


def against(value, goal):
    return f"goal {goal:,}, {'met' if value <= goal else 'not met'}"


def table(plain, psk):
    client = sum(plain.flash[p] for p in CLIENT)
    block = plain.fact("memory")
    rows = [("**flash**", ""), *((p, plain.flash[p]) for p in CLIENT),
            (f"**the client**: the four above ({against(client, CLIENT_GOAL)})", client),
            ("for comparison: coreMQTT alone, without an outbox; given, not measured here; the same compiler", 19866),
            ("the whole plain image, with the board's own code", plain.flash_bytes)]
    if psk:
        rows += [(f"the whole image with TLS and a pre-shared key ({against(psk.flash_bytes, PSK_FLASH_GOAL)})", psk.flash_bytes),
                 ("of it mbedTLS 2.28", psk.flash["mbedTLS"]), ("of it the TLS port, most of which says what went wrong", psk.flash[PORT])]
    rows += [("**RAM**", ""), ("the client's block as the example configures it, buffers included", block),
             ("all of the plain image but the stack and that block", plain.ram_bytes - plain.ram["memory"])]
    if psk:
        rows += [("all of the image with TLS but the stack, that block and the records of TLS", psk_ram(psk))]
    lines = ["| Cortex-M3, `-Os -DNDEBUG` | bytes |", "|---|---:|"]
    return "\n".join(lines + [f"| {name} | {f'{value:,}' if value != '' else ''} |" for name, value in rows])


def psk_ram(psk):
    return psk.ram_bytes - psk.ram["memory"] - TLS_RECORDS


def over_limits(plain, psk):
    client = sum(plain.flash[p] for p in CLIENT)
    if client > CLIENT_MAX:
        yield f"the client takes {client} bytes of flash, at most {CLIENT_MAX}"
    for name, image in (("plain", plain), ("psk", psk)):
        if image and image.has_malloc():
            yield f"the {name} image holds malloc()"
    if psk and psk.flash_bytes > PSK_FLASH_MAX:
        yield f"the image with TLS takes {psk.flash_bytes} bytes of flash, at most {PSK_FLASH_MAX}"
    if psk and psk_ram(psk) > PSK_RAM_MAX:
        yield f"the image with TLS takes {psk_ram(psk)} bytes of RAM beside its buffers, at most {PSK_RAM_MAX}"


def build(folder):
    """The two images; the second is None where mbedTLS can't be had."""
    psk = subprocess.run([EXAMPLE / "build.sh", folder, "plain", "psk"], stdout=subprocess.DEVNULL)
    if psk.returncode not in (0, 77):
        sys.exit(1)
    return Image(folder, "plain"), Image(folder, "psk") if psk.returncode == 0 else None


def differences(wanted, with_psk):
    there = README.read_text()
    found = re.search(re.escape(BEGIN) + r"\n(.*?)\n" + re.escape(END), there, re.S)
    if not found:
        return [f"firmware-client/README.md has no block {BEGIN} ... {END}"]
    rows = [r for r in found[1].split("\n") if with_psk or "TLS" not in r]
    return [] if rows == wanted.split("\n") else ["the table in firmware-client/README.md is another one: firmware-client/sizes.py --write"]


def main():
    parser = argparse.ArgumentParser(usage=argparse.SUPPRESS, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    what.add_argument("--write", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("dir", nargs="?", type=Path, default=HERE.parent / "build/sizes", help=argparse.SUPPRESS)
    args = parser.parse_args()
    plain, psk = build(args.dir.absolute())
    text = table(plain, psk)
    print(text)
    wrong = list(over_limits(plain, psk))
    if args.check:
        wrong += differences(text, psk is not None)
    if args.write and psk:
        README.write_text(re.sub(f"({re.escape(BEGIN)}\n).*?(\n{re.escape(END)})", lambda m: m[1] + text + m[2], README.read_text(), flags=re.S))
    for line in wrong:
        print(f"sizes: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
