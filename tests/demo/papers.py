"""The last chapter: what was said is put right, confirmed and proved. A conversation of its own, from the command line alone."""
import os

CONV = "water"
NOTICE = "The water is off on Tuesday from 8 to 12."
MENDED = "The water is off on Tuesday from 9 to 12."


def put_right_and_prove(tell, folder, scope, anna, ben):
    """anna, ben: command lines. Yields (what must hold, whether it does)."""
    def shown(text):
        for line in text.splitlines():
            tell(f"          {line}")
        return text

    anna.run("create", scope, CONV, "--title", "Water", "--member", "ben")
    tell(f"\n6. A notice that must be confirmed: Anna writes \"{NOTICE}\"\n   She puts the hour right, and Ben reads and confirms it.")
    anna.run("send", CONV, NOTICE, "--must-confirm")
    anna.run("edit", CONV, "2", MENDED)
    ben.run("read", CONV)
    ben.run("confirm", CONV, "2")
    tell("   ./fieldpost readers water 2: who has received, read and confirmed it, and when")
    readers = shown(anna.run("readers", CONV, "2", json_lines=False))
    yield "the hub knows that Ben has read and confirmed the notice", "ben" in readers and " -" not in readers.split("ben", 1)[1].splitlines()[0]
    tell("   ./fieldpost history water: the hub's history has the new words, and that there were others")
    history = shown(ben.run("history", CONV, json_lines=False))
    yield "the new words stand in the history, the old ones do not", MENDED in history and NOTICE not in history

    path = os.path.join(folder, "water.export")
    forged = path + "-forged"
    anna.run("export", CONV, "--out", path)
    with open(path, "rb") as f:
        content = f.read()
    with open(forged, "wb") as f:
        f.write(content.replace(MENDED.encode(), MENDED.replace("9 to 12", "9 to 10").encode()))
    tell("   ./fieldpost export and verify: the conversation as a file, and the same with one hour changed in it")
    good = shown(anna.run("verify", path, json_lines=False))
    bad = shown(anna.run("verify", forged, json_lines=False, code=1))
    yield "the export is what the hub has, and a forged one is found out", "verified" in good and "verified" not in bad
