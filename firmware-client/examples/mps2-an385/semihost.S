/* int board_host_call(uintptr_t operation, const void *argument): what the debugger (here QEMU) does for the board. */
    .syntax unified
    .thumb
    .section .text.board_host_call, "ax", %progbits
    .global board_host_call
    .type board_host_call, %function
board_host_call:
    bkpt 0xab
    bx lr
    .size board_host_call, . - board_host_call
