# For the package of another architecture: dpkg-shlibdeps asks the package database of the sysroot, and reads the target's programs.
list(GET CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS 0 fp_libraries)
string(REGEX REPLACE "/usr/lib/[^/]+$" "" fp_sysroot "${fp_libraries}")
set(ENV{DPKG_ADMINDIR} ${fp_sysroot}/var/lib/dpkg)
set(ENV{DEB_HOST_ARCH} ${CPACK_DEBIAN_PACKAGE_ARCHITECTURE})
