#include "firmware-client/ports/transport_tls.h"

#include <assert.h>
#include <limits.h>

#include <mbedtls/platform_util.h>

#include "firmware-client/ports/tls_setup.h"
#include "firmware-client/ports/tls_why.h"

static bool is_wait(int code)
{
    return code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE;
}

/* ------------------------------------------------------------------ the inner stream, as mbedTLS calls it */

static int send_inner(void *ctx, const unsigned char *p, size_t len)
{
    struct fp_tls *t = ctx;
    size_t done = 0;
    enum fp_err err = t->inner.write(t->inner.ctx, p, len < INT_MAX ? len : INT_MAX, &done);
    if (err == FP_EAGAIN) {
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    }
    if (err) {
        t->inner_err = err;
        /* A peer that refuses us says why and goes, before it has read all of the handshake. mbedTLS shall go on to where it reads that. */
        return t->phase == FP_TLS_SHAKING ? (int)(len < INT_MAX ? len : INT_MAX) : MBEDTLS_ERR_SSL_CONN_EOF;
    }
    return (int)done;
}

static int receive_inner(void *ctx, unsigned char *p, size_t cap)
{
    struct fp_tls *t = ctx;
    size_t done = 0;
    enum fp_err err = t->inner.read(t->inner.ctx, p, cap < INT_MAX ? cap : INT_MAX, &done);
    if (err == FP_EAGAIN) {
        return MBEDTLS_ERR_SSL_WANT_READ;
    }
    if (err) {
        t->inner_err = err;
        return MBEDTLS_ERR_SSL_CONN_EOF;
    }
    return (int)done;
}

/* ------------------------------------------------------------------ the session between connections */

static void forget_session(struct fp_tls *t)
{
    mbedtls_ssl_session_free(&t->session); /* wipes it */
    mbedtls_ssl_session_init(&t->session);
    t->has_session = false;
}

static void keep_session(struct fp_tls *t)
{
    forget_session(t);
    if (!t->resumes) {
        return;
    }
    t->has_session = mbedtls_ssl_get_session(&t->ssl, &t->session) == 0;
    if (!t->has_session) {
        forget_session(t); /* for want of memory; the next handshake is a full one */
    }
}

/* ------------------------------------------------------------------ open */

static enum fp_err begin_handshake(struct fp_tls *t)
{
    t->full = false;
    t->owed = 0;
    t->inner_err = FP_OK;
    if (mbedtls_ssl_session_reset(&t->ssl) != 0) {
        t->phase = FP_TLS_BROKEN;
        fp_tls_say(t, "no memory for TLS");
        return FP_ENOMEM;
    }
    t->offered = t->has_session && mbedtls_ssl_set_session(&t->ssl, &t->session) == 0;
    t->phase = FP_TLS_SHAKING;
    return FP_OK;
}

static enum fp_err handshake_failed(struct fp_tls *t, int code)
{
    t->phase = FP_TLS_BROKEN;
    enum fp_err err = fp_tls_why_open(t, code);
    forget_session(t); /* T2 */
    if (err == FP_EDENIED && t->offered && !t->full) {
        fp_tls_say(t, "the other side did not take the earlier session back; the next attempt begins anew");
        return FP_EIO; /* not known yet who it is */
    }
    return err;
}

static enum fp_err go_on_shaking(struct fp_tls *t)
{
    while (t->ssl.state != MBEDTLS_SSL_HANDSHAKE_OVER) {
        t->full = t->full || t->ssl.state == MBEDTLS_SSL_SERVER_CERTIFICATE; /* a session that is taken up skips it */
        int code = mbedtls_ssl_handshake_step(&t->ssl);
        if (is_wait(code)) {
            return FP_EAGAIN;
        }
        if (code) {
            return handshake_failed(t, code);
        }
    }
    if (t->inner_err) {
        return handshake_failed(t, MBEDTLS_ERR_SSL_CONN_EOF);
    }
    t->phase = FP_TLS_UP;
    keep_session(t);
    return FP_OK;
}

static enum fp_err open_inner(struct fp_tls *t)
{
    enum fp_err err = t->inner.open(t->inner.ctx);
    if (err) {
        if (err != FP_EAGAIN) {
            t->phase = FP_TLS_BROKEN;
            fp_tls_say(t, "there is no connection to the other side");
        }
        return err;
    }
    return begin_handshake(t);
}

static void tls_close(void *ctx);

static enum fp_err tls_open(void *ctx)
{
    struct fp_tls *t = ctx;
    if (t->phase == FP_TLS_UP) {
        return FP_OK;
    }
    if (t->phase == FP_TLS_ENDED || t->phase == FP_TLS_BROKEN) {
        tls_close(t);
    }
    if (t->phase == FP_TLS_CLOSED) {
        t->error[0] = '\0';
        t->phase = FP_TLS_OPENING;
    }
    if (t->phase == FP_TLS_OPENING) {
        enum fp_err err = open_inner(t);
        if (err) {
            return err;
        }
    }
    return go_on_shaking(t);
}

/* ------------------------------------------------------------------ the stream */

static enum fp_err ended(struct fp_tls *t, int code)
{
    t->phase = code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY ? FP_TLS_ENDED : FP_TLS_BROKEN;
    return fp_tls_why_end(t, code);
}

static enum fp_err tls_read(void *ctx, void *buf, size_t cap, size_t *out_len)
{
    struct fp_tls *t = ctx;
    assert(cap > 0);
    if (t->phase != FP_TLS_UP) {
        return FP_EIO;
    }
    int code = mbedtls_ssl_read(&t->ssl, buf, cap);
    if (is_wait(code)) {
        return FP_EAGAIN;
    }
    if (code <= 0) {
        return ended(t, code);
    }
    *out_len = (size_t)code;
    return FP_OK;
}

/* mbedTLS encrypts a record once and answers FP_EAGAIN until all of it is sent; a longer call in between would be counted as sent. */
static enum fp_err tls_write(void *ctx, const void *p, size_t len, size_t *out_len)
{
    struct fp_tls *t = ctx;
    assert(len > 0 && len >= t->owed); /* the same bytes again */
    if (t->phase != FP_TLS_UP) {
        return FP_EIO;
    }
    int longest = mbedtls_ssl_get_max_out_record_payload(&t->ssl);
    size_t take = t->owed > 0 ? t->owed : len;
    if (longest > 0 && take > (size_t)longest) {
        take = (size_t)longest;
    }
    int code = mbedtls_ssl_write(&t->ssl, p, take);
    if (is_wait(code)) {
        t->owed = t->owed > 0 ? t->owed : take;
        return FP_EAGAIN;
    }
    if (code <= 0) {
        return ended(t, code);
    }
    t->owed = 0;
    *out_len = (size_t)code;
    return FP_OK;
}

static void tls_close(void *ctx)
{
    struct fp_tls *t = ctx;
    if (t->phase == FP_TLS_UP || t->phase == FP_TLS_ENDED) {
        (void)mbedtls_ssl_close_notify(&t->ssl); /* once; if there is no room for it, the peer sees the end of the stream */
    }
    t->inner.close(t->inner.ctx);
    t->phase = FP_TLS_CLOSED;
}

/* ------------------------------------------------------------------ */

static void init_parts(struct fp_tls *t)
{
    mbedtls_ssl_init(&t->ssl);
    mbedtls_ssl_config_init(&t->conf);
    mbedtls_ctr_drbg_init(&t->drbg);
    mbedtls_ssl_session_init(&t->session);
#if defined(MBEDTLS_X509_CRT_PARSE_C)
    mbedtls_x509_crt_init(&t->ca);
    mbedtls_x509_crt_init(&t->own_crt);
    mbedtls_pk_init(&t->own_key);
#endif
}

static void free_parts(struct fp_tls *t)
{
    mbedtls_ssl_free(&t->ssl);
    mbedtls_ssl_config_free(&t->conf);
    mbedtls_ctr_drbg_free(&t->drbg);
    mbedtls_ssl_session_free(&t->session);
#if defined(MBEDTLS_X509_CRT_PARSE_C)
    mbedtls_x509_crt_free(&t->ca);
    mbedtls_x509_crt_free(&t->own_crt);
    mbedtls_pk_free(&t->own_key);
#endif
}

enum fp_err fp_tls_init(struct fp_tls *t, const struct fp_tls_config *config, const struct fp_transport *inner, struct fp_transport *out)
{
    memset(t, 0, sizeof *t);
    init_parts(t);
    enum fp_err err = fp_tls_set_up(t, config);
    if (err) {
        free_parts(t);
        return err;
    }
    t->inner = *inner;
    mbedtls_ssl_set_bio(&t->ssl, t, send_inner, receive_inner, NULL);
    *out = (struct fp_transport){.ctx = t, .open = tls_open, .read = tls_read, .write = tls_write, .close = tls_close};
    return FP_OK;
}

void fp_tls_fini(struct fp_tls *t)
{
    if (!t || !t->inner.close) {
        return;
    }
    tls_close(t);
    free_parts(t);
    t->inner.close = NULL;
}

bool fp_tls_resumed(const struct fp_tls *t)
{
    return t->phase == FP_TLS_UP && !t->full;
}

const char *fp_tls_error(const struct fp_tls *t)
{
    return t->error;
}
