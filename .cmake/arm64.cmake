# Toolchain: 64-bit ARM Linux, by Debian's packages gcc-aarch64-linux-gnu and libc6-dev-arm64-cross.
# Programs run here with: qemu-aarch64 -L SYSROOT
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(fp_arch arm64)
set(fp_triplet aarch64-linux-gnu)
set(fp_emulator qemu-aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
