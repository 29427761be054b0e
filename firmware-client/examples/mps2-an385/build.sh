#!/usr/bin/env bash
# Builds the example's images for the Cortex-M3; see usage().
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
cross=${CROSS_COMPILE:-arm-none-eabi-}

usage() {
    cat <<'TEXT'
usage: build.sh DIR [plain] [psk]

Builds DIR/plain.elf and DIR/psk.elf, each with its link map beside it (.map); without names only plain. psk fetches mbedTLS first
(see get-mbedtls). CROSS_COMPILE names another compiler than arm-none-eabi-.

Exit codes: 0 built, 1 it failed, 2 bad usage, 77 psk can't be built here, since mbedTLS can't be had.
TEXT
}

flags=(-std=c11 -mcpu=cortex-m3 -mthumb -Os -g -ffunction-sections -fdata-sections -fno-common -DNDEBUG -Wall -Wextra)
ours=(-Wshadow -Wconversion -Wvla -Wstrict-prototypes -Wundef -Wpointer-arith -Wwrite-strings -Werror -I"$root" -I"$root/schemas/include")
tls=(-I"$here" '-DMBEDTLS_CONFIG_FILE="mbedtls_config.h"')
# Of mbedTLS, what a client with a pre-shared key needs.
tls_files="aes cipher cipher_wrap constant_time ctr_drbg gcm md memory_buffer_alloc platform platform_util sha256
    ssl_ciphersuites ssl_cli ssl_msg ssl_tls"

# libcbor wants a heap, so its four files are left out: firmware-client/core has the same functions without one.
client_files() {
    find "$root/schemas/src" -name '*.c' ! -name 'cbor_*.c'
    find "$root/firmware-client/core" -name '*.c'
}

compile() { # reads "object source" lines; the rest are flags
    xargs -r -L 1 -P "$(nproc)" "${cross}gcc" "${flags[@]}" "$@" -MMD -c -o
}

# Prints "object source" for each source that is newer than its object, or whose headers are.
stale() { # $1 = folder of the objects
    local source object
    while read -r source; do
        object=$1/$(basename "${source%.*}").o
        if [ ! -f "$object" ] || [ -n "$(find "$source" "$here/build.sh" "$root/schemas/include" "$root/firmware-client" -newer "$object" \
            \( -name '*.h' -o -name build.sh -o -samefile "$source" \) -print -quit)" ]; then
            printf '%s %s\n' "$object" "$source"
        fi
    done
}

link() { # $1 = image, then objects
    "${cross}gcc" "${flags[@]}" --specs=nano.specs -nostartfiles -T "$here/link.ld" -Wl,--gc-sections -Wl,-Map="$1.map" -o "$1.elf" "${@:2}"
    "${cross}size" "$1.elf"
}

build_plain() {
    link "$dir/plain" "$dir"/client/*.o "$dir"/board/*.o "$dir/plain/plain.o"
}

build_psk() {
    local source
    if ! source=$("$here/get-mbedtls" "$dir/source"); then
        exit 77
    fi
    mkdir -p "$dir/mbedtls"
    for name in $tls_files; do printf '%s\n' "$source/library/$name.c"; done | stale "$dir/mbedtls" | compile "${tls[@]}" -I"$source/include"
    printf '%s\n' "$here/psk.c" "$root"/firmware-client/ports/{transport_tls,tls_setup,tls_why}.c | stale "$dir/psk" |
        compile "${ours[@]}" "${tls[@]}" -isystem "$source/include"
    link "$dir/psk" "$dir"/client/*.o "$dir"/board/*.o "$dir"/psk/*.o "$dir"/mbedtls/*.o
}

main() {
    if [ $# = 0 ] || [[ $1 == -* ]]; then
        usage >&2
        exit 2
    fi
    mkdir -p "$1"
    dir=$(cd "$1" && pwd)
    shift
    [ $# != 0 ] || set -- plain
    for image in "$@"; do
        [[ $image == plain || $image == psk ]] || { usage >&2 && exit 2; }
    done
    mkdir -p "$dir"/{client,board,plain,psk}
    client_files | stale "$dir/client" | compile "${ours[@]}"
    printf '%s\n' "$here"/{startup,board,host,flash,settings,main}.c "$here/semihost.S" | stale "$dir/board" | compile "${ours[@]}"
    printf '%s\n' "$here/plain.c" | stale "$dir/plain" | compile "${ours[@]}"
    for image in "$@"; do
        "build_$image"
    done
}

main "$@"
