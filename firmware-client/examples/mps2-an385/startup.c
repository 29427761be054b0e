/* startup.c: what runs before main() on a Cortex-M3: the vector table, and memory as C expects it. */
#include "firmware-client/examples/mps2-an385/board.h"

/* From the linker script. */
extern uint32_t board_stack_top[], board_data_load[], board_data_begin[], board_data_end[], board_bss_begin[], board_bss_end[];

enum { BOOT_STACK_BYTES = 256 }; /* in use while the rest is painted */
#define STACK_UNUSED 0xa5a5a5a5U

int main(void);
void board_reset(void);
void board_fault(void);

void board_reset(void)
{
    const uint32_t *from = board_data_load;
    for (uint32_t *to = board_data_begin; to < board_data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = board_bss_begin; to < board_bss_end; to++) {
        *to = 0;
    }
    for (uint32_t *to = board_bss_end; (uintptr_t)to < (uintptr_t)board_stack_top - BOOT_STACK_BYTES; to++) {
        *to = STACK_UNUSED;
    }
    board_exit(main());
}

uint32_t board_stack_used(void)
{
    const uint32_t *at = board_bss_end;
    while (at < board_stack_top && *at == STACK_UNUSED) {
        at++;
    }
    return (uint32_t)((const uint8_t *)board_stack_top - (const uint8_t *)at);
}

/* Every exception that we do not expect. A real device would reset; here the test is told. */
void board_fault(void)
{
    board_say("fault\n");
    board_exit(BOARD_EXIT_FAULT);
}

/* The core's 16 entries, then the board's interrupts as far as we use them; UART0 receive is the first. */
static const void *const vectors[] __attribute__((section(".vectors"), used)) = {
    board_stack_top, /* becomes the stack pointer */
    board_reset,     board_fault, board_fault, board_fault, board_fault,   board_fault,   0, 0, 0, 0,
    board_fault,     board_fault, 0,           board_fault, board_on_tick, board_on_uart,
};
