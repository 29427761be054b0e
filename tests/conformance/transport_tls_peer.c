#include "tests/conformance/transport_tls_peer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "firmware-client/ports/posix.h"

static const char PSK[] = "0123456789abcdef";
static const char IDENTITY[] = "device-1";

struct fp_bytes tls_text(const char *text)
{
    return fp_bytes_of(text, strlen(text));
}

void tls_peer_use_psk(struct tls_peer *p)
{
    p->psk = PSK;
    p->identity = IDENTITY;
    p->config = (struct fp_tls_config){
        .profile = FP_TLS_PSK, .identity = tls_text(IDENTITY), .psk = tls_text(PSK), .entropy = fp_posix_entropy, .record_bytes = 1024};
}

void tls_peer_use_ecdsa(struct tls_peer *p, const struct tls_world *w)
{
    p->pair = &w->server;
    p->config =
        (struct fp_tls_config){.profile = FP_TLS_ECDSA, .host = "hub.example", .ca = tls_text(w->ca.crt), .entropy = fp_posix_entropy};
}

/* ------------------------------------------------------------------ the server's stream */

static int server_send(void *ctx, const unsigned char *bytes, size_t len)
{
    struct tls_peer *p = ctx;
    size_t n = p->inner.peer_write(p->inner.ctx, bytes, len);
    return n > 0 ? (int)n : MBEDTLS_ERR_SSL_WANT_WRITE;
}

/* Follows the records, to know how long they are. */
static void measure(struct tls_peer *p, const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (p->record_left > 0) {
            p->record_left--;
            continue;
        }
        p->header[p->header_len++] = bytes[i];
        if (p->header_len == sizeof p->header) {
            p->header_len = 0;
            p->record_left = (size_t)p->header[3] << 8 | p->header[4];
            size_t all = p->record_left + sizeof p->header;
            p->longest_record = all > p->longest_record ? all : p->longest_record;
        }
    }
}

static int server_receive(void *ctx, unsigned char *bytes, size_t cap)
{
    struct tls_peer *p = ctx;
    size_t n = p->inner.peer_read(p->inner.ctx, bytes, cap);
    measure(p, bytes, n);
    if (n == 0 && p->inner.peer_ended(p->inner.ctx)) {
        return 0;
    }
    return n > 0 ? (int)n : MBEDTLS_ERR_SSL_WANT_READ;
}

static void begin(struct tls_peer *p)
{
    p->count = p->inner.peer_count(p->inner.ctx);
    p->up = p->hung_up = false;
    p->code = 0;
    p->record_left = p->header_len = 0;
    assert_int_equal(mbedtls_ssl_session_reset(&p->ssl), 0);
    p->fresh = true;
}

static void turn(void *ctx)
{
    struct tls_peer *p = ctx;
    p->inner.turn(p->inner.ctx);
    if (p->count != p->inner.peer_count(p->inner.ctx)) {
        begin(p);
    }
    if (p->fresh && !p->up && p->code == 0) {
        int code = mbedtls_ssl_handshake(&p->ssl);
        p->up = code == 0;
        p->code = code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE ? 0 : code;
        if (p->code != 0) { /* as servers do */
            p->inner.peer_close(p->inner.ctx);
        }
    }
}

/* ------------------------------------------------------------------ the server */

static void use_certificates(struct tls_peer *p)
{
    const struct tls_pair *pair = p->pair;
    assert_int_equal(mbedtls_x509_crt_parse(&p->crt, (const unsigned char *)pair->crt, strlen(pair->crt) + 1), 0);
    assert_int_equal(mbedtls_pk_parse_key(&p->key, (const unsigned char *)pair->key, strlen(pair->key) + 1, NULL, 0), 0);
    assert_int_equal(mbedtls_ssl_conf_own_cert(&p->conf, &p->crt, &p->key), 0);
    if (p->clients_ca) {
        assert_int_equal(mbedtls_x509_crt_parse(&p->trusted, (const unsigned char *)p->clients_ca, strlen(p->clients_ca) + 1), 0);
        mbedtls_ssl_conf_ca_chain(&p->conf, &p->trusted, NULL);
        mbedtls_ssl_conf_authmode(&p->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    }
}

static void start_server(struct tls_peer *p)
{
    mbedtls_ssl_init(&p->ssl);
    mbedtls_ssl_config_init(&p->conf);
    mbedtls_ctr_drbg_init(&p->drbg);
    mbedtls_x509_crt_init(&p->crt);
    mbedtls_x509_crt_init(&p->trusted);
    mbedtls_pk_init(&p->key);
    mbedtls_ssl_cache_init(&p->cache);
    mbedtls_ssl_ticket_init(&p->tickets);
    assert_int_equal(mbedtls_ctr_drbg_seed(&p->drbg, fp_posix_entropy, NULL, NULL, 0), 0);
    assert_int_equal(mbedtls_ssl_config_defaults(&p->conf, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT), 0);
    mbedtls_ssl_conf_rng(&p->conf, mbedtls_ctr_drbg_random, &p->drbg);
    mbedtls_ssl_conf_authmode(&p->conf, MBEDTLS_SSL_VERIFY_NONE);
    if (p->minor) {
        mbedtls_ssl_conf_max_version(&p->conf, MBEDTLS_SSL_MAJOR_VERSION_3, p->minor);
    }
    if (p->pair) {
        use_certificates(p);
    } else {
        assert_int_equal(mbedtls_ssl_conf_psk(&p->conf, (const unsigned char *)p->psk, strlen(p->psk), (const unsigned char *)p->identity,
                                              strlen(p->identity)),
                         0);
    }
    if (p->resume == TLS_RESUME_TICKETS) {
        assert_int_equal(mbedtls_ssl_ticket_setup(&p->tickets, mbedtls_ctr_drbg_random, &p->drbg, MBEDTLS_CIPHER_AES_256_GCM, 3600), 0);
        mbedtls_ssl_conf_session_tickets_cb(&p->conf, mbedtls_ssl_ticket_write, mbedtls_ssl_ticket_parse, &p->tickets);
    } else if (p->resume == TLS_RESUME_IDS) {
        mbedtls_ssl_conf_session_cache(&p->conf, &p->cache, mbedtls_ssl_cache_get, mbedtls_ssl_cache_set);
    }
    assert_int_equal(mbedtls_ssl_setup(&p->ssl, &p->conf), 0);
    mbedtls_ssl_set_bio(&p->ssl, p, server_send, server_receive, NULL);
}

static struct fp_transport make(void *ctx)
{
    struct tls_peer *p = ctx;
    struct fp_transport inner = p->inner.make(p->inner.ctx);
    struct fp_transport out;
    p->count = 0;
    p->up = p->fresh = p->hung_up = false;
    p->code = 0;
    p->longest_record = 0;
    start_server(p);
    enum fp_err err = fp_tls_init(&p->tls, &p->config, &inner, &out);
    if (err) {
        fail_msg("fp_tls_init: %s", fp_tls_error(&p->tls));
    }
    return out;
}

static void end(void *ctx)
{
    struct tls_peer *p = ctx;
    fp_tls_fini(&p->tls);
    mbedtls_ssl_free(&p->ssl);
    mbedtls_ssl_config_free(&p->conf);
    mbedtls_ctr_drbg_free(&p->drbg);
    mbedtls_x509_crt_free(&p->crt);
    mbedtls_x509_crt_free(&p->trusted);
    mbedtls_pk_free(&p->key);
    mbedtls_ssl_cache_free(&p->cache);
    mbedtls_ssl_ticket_free(&p->tickets);
    p->inner.end(p->inner.ctx);
}

static unsigned count(void *ctx)
{
    struct tls_peer *p = ctx;
    return p->count;
}

static size_t moved(struct tls_peer *p, int code)
{
    if (code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
        p->hung_up = true;
    }
    if (code <= 0 && code != MBEDTLS_ERR_SSL_WANT_READ && code != MBEDTLS_ERR_SSL_WANT_WRITE) {
        p->code = code ? code : MBEDTLS_ERR_SSL_CONN_EOF;
    }
    return code > 0 ? (size_t)code : 0;
}

static size_t peer_read(void *ctx, void *buf, size_t cap)
{
    struct tls_peer *p = ctx;
    return p->up && p->code == 0 ? moved(p, mbedtls_ssl_read(&p->ssl, buf, cap)) : 0;
}

/* mbedTLS wants the same length again while a record is not sent; the suite offers the same bytes, and no fewer. */
static size_t peer_write(void *ctx, const void *bytes, size_t len)
{
    struct tls_peer *p = ctx;
    static size_t owed;
    if (!p->up || p->code != 0) {
        return 0;
    }
    if (p->ssl.out_left == 0) {
        owed = len;
    }
    return moved(p, mbedtls_ssl_write(&p->ssl, bytes, owed < len ? owed : len));
}

/* What it said is sent before it goes, as far as there is room. */
static void say_bye(struct tls_peer *p)
{
    if (p->up) {
        (void)mbedtls_ssl_close_notify(&p->ssl);
    }
}

static void peer_close(void *ctx)
{
    struct tls_peer *p = ctx;
    say_bye(p);
    p->up = p->fresh = false;
    p->inner.peer_close(p->inner.ctx);
}

static void peer_half_close(void *ctx)
{
    struct tls_peer *p = ctx;
    say_bye(p);
    p->inner.peer_half_close(p->inner.ctx);
}

static bool peer_ended(void *ctx)
{
    struct tls_peer *p = ctx;
    unsigned char byte;
    if (p->up && p->code == 0 && mbedtls_ssl_get_bytes_avail(&p->ssl) == 0) {
        int code = mbedtls_ssl_read(&p->ssl, &byte, 0); /* only looks; 0 is the end when nothing is there then */
        if (code != 0 || mbedtls_ssl_get_bytes_avail(&p->ssl) == 0) {
            (void)moved(p, code);
        }
    }
    return p->code != 0;
}

static void refuse(void *ctx)
{
    struct tls_peer *p = ctx;
    p->inner.refuse(p->inner.ctx);
}

struct transport_maker tls_peer_maker(struct tls_peer *p, const char *name)
{
    return (struct transport_maker){.name = name,
                                    .ctx = p,
                                    .make = make,
                                    .end = end,
                                    .turn = turn,
                                    .peer_count = count,
                                    .peer_read = peer_read,
                                    .peer_write = peer_write,
                                    .peer_close = peer_close,
                                    .peer_half_close = peer_half_close,
                                    .peer_ended = peer_ended,
                                    .refuse = refuse};
}
