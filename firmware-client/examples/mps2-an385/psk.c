/*
 * psk.c: the TLS port with a pre-shared key over the UART. All memory that mbedTLS takes comes from one static block.
 *
 * Chance      mbedTLS must have randomness that nobody can guess, and the board has none: QEMU's mps2-an385 has no hardware source. The example
 *             feeds it the same xorshift that spreads reconnects. That is no secret, so this image protects nothing; a device puts its hardware
 *             source into entropy_of_the_board().
 */
#include <mbedtls/memory_buffer_alloc.h>

#include "firmware-client/examples/mps2-an385/board.h"
#include "firmware-client/examples/mps2-an385/secure.h"
#include "firmware-client/ports/transport_tls.h"

enum { POOL_BYTES = 6144, POOL_HEADER = 64, RECORD_BYTES = 1024 };
#define UNUSED 0xa5U

static struct fp_tls tls;
static struct fp_random chance;
static uint64_t pool[POOL_BYTES / sizeof(uint64_t)];

/* Named in mbedtls_config.h: the block above has been written over. */
void psk_exit(int code)
{
    board_say("the memory of TLS is damaged\n");
    board_exit(code);
}

static int entropy_of_the_board(void *ctx, unsigned char *out, size_t len)
{
    struct fp_random *random = ctx;
    for (size_t i = 0; i < len; i++) {
        out[i] = (unsigned char)(random->next(random->ctx) >> 24);
    }
    return 0;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 0: it is no key. */
static size_t read_key(const char *hex, uint8_t key[MBEDTLS_PSK_MAX_LEN])
{
    size_t len = 0;
    for (; hex[0] && hex[1] && len < MBEDTLS_PSK_MAX_LEN; hex += 2) {
        int high = hex_digit(hex[0]);
        int low = hex_digit(hex[1]);
        if (high < 0 || low < 0) {
            return 0;
        }
        key[len++] = (uint8_t)(high * 16 + low);
    }
    return *hex ? 0 : len;
}

enum fp_err secure_over(const struct settings *s, struct fp_transport below, struct fp_random random, struct fp_transport *out)
{
    uint8_t key[MBEDTLS_PSK_MAX_LEN];
    chance = random;
    mbedtls_memory_buffer_alloc_init((unsigned char *)pool, sizeof pool);
    memset((uint8_t *)pool + POOL_HEADER, UNUSED, sizeof pool - POOL_HEADER);
    struct fp_tls_config config = {
        .profile = FP_TLS_PSK,
        .identity = fp_bytes_of(s->device, strlen(s->device)),
        .psk = fp_bytes_of(key, read_key(s->psk, key)),
        .record_bytes = RECORD_BYTES,
        .entropy = entropy_of_the_board,
        .entropy_ctx = &chance,
    };
    enum fp_err err = fp_tls_init(&tls, &config, &below, out);
    if (err) {
        board_say(fp_tls_error(&tls));
        board_say("\n");
    }
    return err;
}

void secure_report(void)
{
    const uint8_t *bytes = (const uint8_t *)pool;
    size_t used = sizeof pool;
    while (used > 0 && bytes[used - 1] == UNUSED) {
        used--;
    }
    board_say("tls ");
    board_say_u64(used);
    board_say("\n");
}
