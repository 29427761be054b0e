/* host.c: files, console and command line of the machine that runs QEMU. A device has none of these: its own ports stand in their place. */
#include "firmware-client/examples/mps2-an385/board.h"

enum { SYS_OPEN = 0x01, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_SEEK = 0x0a, SYS_GET_CMDLINE = 0x15, SYS_EXIT_EXTENDED = 0x20 };
enum { MODE_UPDATE = 3 /* r+b */, MODE_CREATE = 7 /* w+b */ };
enum { STOPPED_APPLICATION_EXIT = 0x20026 };

_Noreturn void board_exit(int code)
{
    const uintptr_t args[] = {STOPPED_APPLICATION_EXIT, (uintptr_t)code};
    for (;;) {
        (void)board_host_call(SYS_EXIT_EXTENDED, args);
    }
}

void board_say(const char *text)
{
    (void)board_host_call(SYS_WRITE0, text);
}

void board_say_u64(uint64_t v)
{
    char text[21];
    char *at = &text[sizeof text - 1];
    *at = '\0';
    do {
        *--at = (char)('0' + (char)(v % 10));
        v /= 10;
    } while (v > 0);
    board_say(at);
}

bool board_command_line(char *buf, size_t cap)
{
    uintptr_t args[] = {(uintptr_t)buf, cap};
    return board_host_call(SYS_GET_CMDLINE, args) == 0;
}

int board_file_open(const char *path, bool create)
{
    const uintptr_t args[] = {(uintptr_t)path, create ? MODE_CREATE : MODE_UPDATE, strlen(path)};
    return board_host_call(SYS_OPEN, args);
}

static bool seek(int file, uint32_t at)
{
    const uintptr_t args[] = {(uintptr_t)file, at};
    return board_host_call(SYS_SEEK, args) == 0;
}

/* Reading and writing answer how many bytes they did not do. */
bool board_file_read(int file, uint32_t at, void *buf, size_t len)
{
    const uintptr_t args[] = {(uintptr_t)file, (uintptr_t)buf, len};
    return seek(file, at) && board_host_call(SYS_READ, args) == 0;
}

bool board_file_write(int file, uint32_t at, const void *p, size_t len)
{
    const uintptr_t args[] = {(uintptr_t)file, (uintptr_t)p, len};
    return seek(file, at) && board_host_call(SYS_WRITE, args) == 0;
}
