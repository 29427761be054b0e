/*
 * psk.c: TLS 1.2 with a pre-shared key between the client and the UART. All memory that mbedTLS takes comes from one static block.
 *
 * Chance      mbedTLS must have randomness that nobody can guess, and the board has none: QEMU's mps2-an385 has no hardware source. The example
 *             feeds it the same xorshift that spreads reconnects. That is no secret, so this image protects nothing; a device puts its hardware
 *             source into entropy_of_the_board().
 */
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/memory_buffer_alloc.h>
#include <mbedtls/ssl.h>

#include "firmware-client/examples/mps2-an385/board.h"
#include "firmware-client/examples/mps2-an385/secure.h"

enum { POOL_BYTES = 6144, POOL_HEADER = 64, KEY_MAX = 32, ENTROPY_BYTES = 32 };
#define UNUSED 0xa5U

static struct {
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config config;
    mbedtls_ctr_drbg_context drbg;
    mbedtls_entropy_context entropy;
    struct fp_transport below;
    struct fp_random random;
    bool handshaken;
} tls;

static uint64_t pool[POOL_BYTES / sizeof(uint64_t)];

/* ------------------------------------------------------------------ what mbedTLS asks of us */

void psk_exit(int code)
{
    board_say("the memory of TLS is damaged\n");
    board_exit(code);
}

static int entropy_of_the_board(void *ctx, unsigned char *out, size_t len, size_t *out_len)
{
    struct fp_random *random = ctx;
    for (size_t i = 0; i < len; i++) {
        out[i] = (unsigned char)(random->next(random->ctx) >> 24);
    }
    *out_len = len;
    return 0;
}

static int send_below(void *ctx, const unsigned char *p, size_t len)
{
    struct fp_transport *below = ctx;
    size_t done = 0;
    enum fp_err err = below->write(below->ctx, p, len, &done);
    return err == FP_OK ? (int)done : err == FP_EAGAIN ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static int receive_below(void *ctx, unsigned char *p, size_t cap)
{
    struct fp_transport *below = ctx;
    size_t len = 0;
    enum fp_err err = below->read(below->ctx, p, cap, &len);
    return err == FP_OK ? (int)len : err == FP_EAGAIN ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

/* ------------------------------------------------------------------ the transport */

static enum fp_err result(int code, size_t *out_len)
{
    if (code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE) {
        return FP_EAGAIN;
    }
    if (code <= 0) { /* 0: the peer has closed */
        return FP_EIO;
    }
    *out_len = (size_t)code;
    return FP_OK;
}

static enum fp_err tls_open(void *ctx)
{
    (void)ctx;
    enum fp_err err = tls.below.open(tls.below.ctx);
    if (err || tls.handshaken) {
        return err;
    }
    int code = mbedtls_ssl_handshake(&tls.ssl);
    if (code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE) {
        return FP_EAGAIN;
    }
    tls.handshaken = code == 0;
    /* An alert is all that we hear when the broker does not know the key. */
    return code == 0 ? FP_OK : code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE ? FP_EDENIED : FP_EIO;
}

static enum fp_err tls_read(void *ctx, void *buf, size_t cap, size_t *out_len)
{
    (void)ctx;
    return result(mbedtls_ssl_read(&tls.ssl, buf, cap), out_len);
}

static enum fp_err tls_write(void *ctx, const void *p, size_t len, size_t *out_len)
{
    (void)ctx;
    return result(mbedtls_ssl_write(&tls.ssl, p, len), out_len);
}

static void tls_close(void *ctx)
{
    (void)ctx;
    if (tls.handshaken) {
        (void)mbedtls_ssl_close_notify(&tls.ssl); /* the broker sees the end of the stream anyway */
    }
    tls.handshaken = false;
    (void)mbedtls_ssl_session_reset(&tls.ssl); /* it fails for want of memory only; the next open() then fails as well */
    tls.below.close(tls.below.ctx);
}

/* ------------------------------------------------------------------ setting up */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t read_key(const char *hex, uint8_t key[KEY_MAX])
{
    size_t len = 0;
    for (; hex[0] && hex[1] && len < KEY_MAX; hex += 2) {
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
    uint8_t key[KEY_MAX];
    size_t key_len = read_key(s->psk, key);
    if (key_len == 0) {
        return FP_ECONFIG;
    }
    tls.below = below;
    tls.random = random;
    mbedtls_memory_buffer_alloc_init((unsigned char *)pool, sizeof pool);
    memset((uint8_t *)pool + POOL_HEADER, UNUSED, sizeof pool - POOL_HEADER);
    mbedtls_ssl_init(&tls.ssl);
    mbedtls_ssl_config_init(&tls.config);
    mbedtls_ctr_drbg_init(&tls.drbg);
    mbedtls_entropy_init(&tls.entropy);
    if (mbedtls_entropy_add_source(&tls.entropy, entropy_of_the_board, &tls.random, ENTROPY_BYTES, MBEDTLS_ENTROPY_SOURCE_STRONG) ||
        mbedtls_ctr_drbg_seed(&tls.drbg, mbedtls_entropy_func, &tls.entropy, NULL, 0) ||
        mbedtls_ssl_config_defaults(&tls.config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) ||
        mbedtls_ssl_conf_max_frag_len(&tls.config, MBEDTLS_SSL_MAX_FRAG_LEN_1024) ||
        mbedtls_ssl_conf_psk(&tls.config, key, key_len, (const uint8_t *)s->device, strlen(s->device))) {
        return FP_ECONFIG;
    }
    mbedtls_ssl_conf_rng(&tls.config, mbedtls_ctr_drbg_random, &tls.drbg);
    if (mbedtls_ssl_setup(&tls.ssl, &tls.config)) {
        return FP_EFULL;
    }
    mbedtls_ssl_set_bio(&tls.ssl, &tls.below, send_below, receive_below, NULL);
    *out = (struct fp_transport){.open = tls_open, .read = tls_read, .write = tls_write, .close = tls_close};
    return FP_OK;
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
