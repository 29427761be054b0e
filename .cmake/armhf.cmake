# Toolchain: 32-bit ARM Linux with hardware floating point, by Debian's packages gcc-arm-linux-gnueabihf and libc6-dev-armhf-cross.
# Programs run here with: qemu-arm -L SYSROOT, without a sysroot: qemu-arm -L /usr/arm-linux-gnueabihf
set(CMAKE_SYSTEM_PROCESSOR arm)
set(fp_arch armhf)
set(fp_triplet arm-linux-gnueabihf)
set(fp_emulator qemu-arm)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
