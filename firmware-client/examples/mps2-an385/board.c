#include "firmware-client/examples/mps2-an385/board.h"

#define REG(at) (*(volatile uint32_t *)(uintptr_t)(at))

enum { CPU_HZ = 25000000, TICKS_PER_S = 1000, CYCLES_PER_TICK = CPU_HZ / TICKS_PER_S, CYCLES_PER_US = CPU_HZ / 1000000 };

/* The core's own registers. */
#define SYST_CSR REG(0xe000e010U)
#define SYST_RVR REG(0xe000e014U)
#define SYST_CVR REG(0xe000e018U)
#define NVIC_ISER0 REG(0xe000e100U)
#define NVIC_ICER0 REG(0xe000e180U)
enum { SYST_ENABLE = 1, SYST_TICKINT = 2, SYST_CPU_CLOCK = 4 };

/* CMSDK APB UART 0. */
#define UART_DATA REG(0x40004000U)
#define UART_STATE REG(0x40004004U)
#define UART_CTRL REG(0x40004008U)
#define UART_INTCLEAR REG(0x4000400cU)
#define UART_BAUDDIV REG(0x40004010U)
enum { STATE_TX_FULL = 1, STATE_RX_FULL = 2, CTRL_TX = 1, CTRL_RX = 2, CTRL_RX_INTERRUPT = 8, INT_RX = 2, BAUDDIV_MIN = 16, IRQ_UART0_RX = 1 };

enum { RX_CAP = 1024 }; /* what may come while the flash is busy; a power of two */

static volatile uint32_t ticks;
static volatile uint32_t rx_in, rx_out; /* count for ever; the ring holds rx_in - rx_out */
static uint8_t rx_ring[RX_CAP];

void board_init(void)
{
    SYST_RVR = CYCLES_PER_TICK - 1;
    SYST_CVR = 0;
    SYST_CSR = SYST_ENABLE | SYST_TICKINT | SYST_CPU_CLOCK;
    UART_BAUDDIV = BAUDDIV_MIN;
    UART_CTRL = CTRL_TX | CTRL_RX | CTRL_RX_INTERRUPT;
    NVIC_ISER0 = IRQ_UART0_RX;
}

void board_on_tick(void)
{
    ticks++; /* 49 days */
}

struct fp_mono board_now(void)
{
    uint32_t before = 0;
    uint32_t left = 0;
    do { /* a tick in between makes the pair wrong */
        before = ticks;
        left = SYST_CVR;
    } while (before != ticks);
    return (struct fp_mono){.us = (uint64_t)before * (1000000 / TICKS_PER_S) + (CYCLES_PER_TICK - 1 - left) / CYCLES_PER_US};
}

void board_wait(void)
{
#ifdef __arm__
    __asm__ volatile("wfi" ::: "memory");
#endif
}

/* ------------------------------------------------------------------ UART */

/* A full ring leaves the byte where it is, and the interrupt off until read() has made room: QEMU then holds the sender back. */
void board_on_uart(void)
{
    while ((UART_STATE & STATE_RX_FULL) && rx_in - rx_out < RX_CAP) {
        rx_ring[rx_in % RX_CAP] = (uint8_t)UART_DATA;
        rx_in++;
    }
    UART_INTCLEAR = INT_RX;
    if (UART_STATE & STATE_RX_FULL) {
        NVIC_ICER0 = IRQ_UART0_RX;
    }
}

static enum fp_err uart_open(void *ctx)
{
    (void)ctx;
    return FP_OK;
}

static enum fp_err uart_read(void *ctx, void *buf, size_t cap, size_t *out_len)
{
    (void)ctx;
    uint8_t *to = buf;
    size_t len = 0;
    while (len < cap && rx_out != rx_in) {
        to[len++] = rx_ring[rx_out % RX_CAP];
        rx_out++;
    }
    NVIC_ICER0 = IRQ_UART0_RX; /* board_on_uart() runs here as well as in the interrupt, never in both */
    board_on_uart();
    NVIC_ISER0 = IRQ_UART0_RX;
    *out_len = len;
    return len > 0 ? FP_OK : FP_EAGAIN;
}

bool board_has_input(void)
{
    return rx_out != rx_in;
}

static enum fp_err uart_write(void *ctx, const void *p, size_t len, size_t *out_len)
{
    (void)ctx;
    const uint8_t *from = p;
    size_t done = 0;
    while (done < len && !(UART_STATE & STATE_TX_FULL)) {
        UART_DATA = from[done++];
    }
    *out_len = done;
    return done > 0 ? FP_OK : FP_EAGAIN;
}

static void uart_close(void *ctx)
{
    (void)ctx;
    rx_out = rx_in;
}

struct fp_transport board_uart(void)
{
    return (struct fp_transport){.open = uart_open, .read = uart_read, .write = uart_write, .close = uart_close};
}

/* ------------------------------------------------------------------ chance */

static uint32_t xorshift(void *ctx)
{
    uint32_t *x = ctx;
    *x ^= *x << 13;
    *x ^= *x >> 17;
    *x ^= *x << 5;
    return *x;
}

struct fp_random board_random(const char *device)
{
    static uint32_t state;
    uint64_t seed = fp_hash(FP_HASH_START, device, strlen(device)) ^ board_now().us;
    state = (uint32_t)(seed ^ (seed >> 32)) | 1U; /* xorshift never leaves 0 */
    return (struct fp_random){.ctx = &state, .next = xorshift};
}
