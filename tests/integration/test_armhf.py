"""The client library built for 32-bit ARM Linux, without libcbor: its unit tests and the smallest program, under qemu-arm."""
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import test_smallest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "firmware-client/examples"
EMULATOR = ["qemu-arm", "-L", "/usr/arm-linux-gnueabihf"]


def run(*command):
    out = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300)
    assert out.returncode == 0, out.stdout + out.stderr
    return out.stdout


def cross_build(folder, toolchain, *more):
    run("cmake", "-S", EXAMPLES / "cross", "-B", folder, "-G", "Ninja", "--toolchain", ROOT / ".cmake" / toolchain, *more)
    run("cmake", "--build", folder)
    return folder


@pytest.fixture(scope="module")
def armhf(tmp_path_factory):
    """The build; with the unit tests where cmocka's source can be had, and where it can't, the script says so."""
    folder = tmp_path_factory.mktemp("armhf")
    out = subprocess.run([EXAMPLES / "get-source", "cmocka", folder / "source"], capture_output=True, text=True, timeout=200)
    if out.returncode != 0:
        assert out.returncode == 1 and "get-source: skipped: cmocka: " in out.stderr, out.stderr
        return cross_build(folder / "build", "armhf.cmake")
    return cross_build(folder / "build", "armhf.cmake", f"-DFP_CMOCKA_SOURCE={out.stdout.strip()}")


@pytest.mark.limit(400)
def test_the_unit_tests_of_the_library_pass_on_32_bit_arm(armhf):
    tests = sorted(armhf.glob("test_*"))
    if not (armhf.parent / "source/cmocka").is_dir():
        assert not tests
        return # the fixture has seen that the script says why
    assert len(tests) > 20
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        print("".join(pool.map(lambda test: run(*EMULATOR, test), tests)))


@pytest.mark.limit(400)
def test_the_smallest_program_converses_from_32_bit_arm(armhf, make_hub, tmp_path):
    test_smallest.converse(make_hub(), [*EMULATOR, str(armhf / "smallest")], tmp_path)


@pytest.mark.limit(400)
def test_the_smallest_program_survives_kill_9_on_32_bit_arm(armhf, make_hub, tmp_path, chance):
    test_smallest.survive(make_hub(), [*EMULATOR, str(armhf / "smallest")], tmp_path, chance)


@pytest.mark.limit(400)
def test_the_library_builds_for_a_machine_without_an_operating_system(tmp_path):
    folder = cross_build(tmp_path / "build", "cortex-m3.cmake")
    symbols = run("arm-none-eabi-nm", folder / "libfp_client.a")
    assert "fp_client_poll" in symbols
    assert not any(line.endswith((" U malloc", " U free", " U printf")) for line in symbols.split("\n"))
