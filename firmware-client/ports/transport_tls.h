/*
 * transport_tls.h: TLS 1.2 by mbedTLS 2.28 between the client and any other struct fp_transport.
 *
 * Shape       two profiles.
 *               FP_TLS_PSK    a pre-shared key: PSK-AES-128-GCM-SHA256 or -CCM. No forward secrecy: who learns the key reads what was recorded.
 *               FP_TLS_ECDSA  certificates on P-256 or P-384: ECDHE-ECDSA-AES-128-GCM-SHA256 or -CCM. Only the CA given is trusted, and the
 *                             peer's certificate must carry the host's name. With a certificate of our own the peer can check us as well.
 *             With certificates the session is kept between connections of one struct; the next open() offers it to the peer, which saves a round
 *             trip and the public-key work. With a key there is none of that work to save, and brokers take the user from the identity, which
 *             mosquitto 2.0 does not hear when a session is taken up: each connection is a full handshake.
 * Invariants  T1 no byte of the caller is sent before the peer has been checked.
 *             T2 a session that the peer does not take back is not offered again.
 * Errors      open() FP_EDENIED: the peer is not who it should be, or refuses who we are; FP_EIO: the stream broke, or the peer speaks something
 *             else; FP_ENOMEM. fp_tls_error() says it in a sentence.
 * Memory      mbedTLS allocates: in fp_tls_init() the two record buffers (16 KiB each, or what its MBEDTLS_SSL_IN/OUT_CONTENT_LEN say), and on the
 *             way what a handshake needs. A machine without a heap builds it with MBEDTLS_PLATFORM_MEMORY and MBEDTLS_MEMORY_BUFFER_ALLOC_C, and
 *             calls mbedtls_memory_buffer_alloc_init() on a static block before fp_tls_init(). fp_tls_fini() frees all of it.
 *             What the config points to is copied: nothing of it has to outlive the call.
 * Thread      one at a time per struct; a struct must not move, as *out and mbedTLS point into it
 * Surprising  after write() said FP_EAGAIN the record is already encrypted: the next call must offer the same bytes again (and may offer more
 *             behind them), as fp_client does.
 *             read() until it says FP_EAGAIN before waiting for the inner stream: bytes that are decrypted do not make it readable.
 *             A name that is an address in numbers is compared with the DNS names of the certificate, as mbedTLS 2.28 knows no others.
 *             Where mbedTLS is built without MBEDTLS_HAVE_TIME_DATE, validity dates are not checked.
 */
#ifndef FIRMWARE_CLIENT_PORTS_TRANSPORT_TLS_H
#define FIRMWARE_CLIENT_PORTS_TRANSPORT_TLS_H

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ssl.h>

#include "firmware-client/include/fieldpost.h"

enum { FP_TLS_ERROR_MAX = 192, FP_TLS_PSK_MIN = 16 };

enum fp_tls_profile { FP_TLS_PSK, FP_TLS_ECDSA };

struct fp_tls_config {
    enum fp_tls_profile profile;

    struct fp_bytes identity; /* FP_TLS_PSK */
    struct fp_bytes psk;      /* FP_TLS_PSK: FP_TLS_PSK_MIN to 32 random bytes (MBEDTLS_PSK_MAX_LEN) */

    const char *host;        /* FP_TLS_ECDSA: the name that must be in the peer's certificate, also where we connect to an address */
    struct fp_bytes ca;      /* FP_TLS_ECDSA: PEM (one or more certificates) or DER */
    struct fp_bytes own_crt; /* FP_TLS_ECDSA: our certificate (and those between it and its CA), PEM or DER; empty: none */
    struct fp_bytes own_key; /* its key, PEM or DER, not encrypted */

    uint16_t record_bytes; /* the longest record that we send and ask the peer for: 512, 1024, 2048, 4096; 0: as mbedTLS is built */

    /* Fills out[] with bytes that nobody can guess: 0. Anything else: there are none. POSIX: fp_posix_entropy(). */
    int (*entropy)(void *ctx, unsigned char *out, size_t len);
    void *entropy_ctx;
};

struct fp_tls {
    struct fp_transport inner;
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config conf;
    mbedtls_ctr_drbg_context drbg;
    mbedtls_ssl_session session; /* of the last connection; offered by the next one */
#if defined(MBEDTLS_X509_CRT_PARSE_C)
    mbedtls_x509_crt ca, own_crt;
    mbedtls_pk_context own_key;
#endif
    enum fp_tls_phase { FP_TLS_CLOSED, FP_TLS_OPENING, FP_TLS_SHAKING, FP_TLS_UP, FP_TLS_ENDED, FP_TLS_BROKEN } phase;
    enum fp_err inner_err; /* how the inner stream ended; FP_OK: it did not */
    bool resumes, has_session, offered, full;
    size_t owed; /* bytes at the front of what the caller offers that are in a record already */
    char error[FP_TLS_ERROR_MAX];
};

/* FP_ECONFIG: fp_tls_error() names the field; FP_EIO: no entropy; FP_ENOMEM. On an error nothing has to be freed. Connects to nothing yet. */
enum fp_err fp_tls_init(struct fp_tls *t, const struct fp_tls_config *config, const struct fp_transport *inner, struct fp_transport *out);
/* Closes the inner transport, and frees. What was zeroed, or failed in fp_tls_init(), is fine. */
void fp_tls_fini(struct fp_tls *t);

/* Whether the connection that stands took up the session of an earlier one. */
bool fp_tls_resumed(const struct fp_tls *t);
/* Why fp_tls_init(), or the last open(), read() or write(), failed, as a sentence; empty when none did. */
const char *fp_tls_error(const struct fp_tls *t);

#endif
