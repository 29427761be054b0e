/*
 * transport_tls_peer.h: a TLS server over the peer of any other maker, and a maker whose transport is fp_tls over that maker's.
 *
 * Shape       certificates are made at start, by mbedTLS: a CA, another CA, and leaves of them
 */
#ifndef TESTS_CONFORMANCE_TRANSPORT_TLS_PEER_H
#define TESTS_CONFORMANCE_TRANSPORT_TLS_PEER_H

#include <mbedtls/ssl_cache.h>
#include <mbedtls/ssl_ticket.h>

#include "firmware-client/ports/transport_tls.h"
#include "tests/conformance/transport_conformance.h"

enum { TLS_PEM_MAX = 2048 };

struct tls_pair {
    char crt[TLS_PEM_MAX], key[TLS_PEM_MAX]; /* PEM */
};

struct tls_world {
    struct tls_pair ca, other_ca;
    struct tls_pair server;  /* hub.example, of ca */
    struct tls_pair expired; /* likewise, until 2001 */
    struct tls_pair device;  /* of ca, for mutual TLS */
    struct tls_pair stranger; /* of other_ca */
    struct tls_pair rsa;      /* hub.example, of ca, with an RSA key */
};
void tls_world_make(struct tls_world *w);

enum tls_resume { TLS_RESUME_TICKETS, TLS_RESUME_IDS, TLS_RESUME_NEVER };

struct tls_peer {
    struct transport_maker inner;
    struct fp_tls_config config; /* of the client */

    /* the server; set before make() */
    const struct tls_pair *pair;      /* NULL: PSK */
    const char *psk, *identity;
    const char *clients_ca; /* PEM: clients must have a certificate of it */
    enum tls_resume resume;
    int minor; /* the newest version, MBEDTLS_SSL_MINOR_VERSION_x; 0: TLS 1.2 */

    struct fp_tls tls;
    unsigned count;
    bool hung_up;  /* the client's close_notify has come */
    bool up, fresh;
    int code; /* how the server's handshake, or its stream, ended */
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config conf;
    mbedtls_ctr_drbg_context drbg;
    mbedtls_x509_crt crt, trusted;
    mbedtls_pk_context key;
    mbedtls_ssl_cache_context cache;
    mbedtls_ssl_ticket_context tickets;
    size_t longest_record; /* bytes, of what came from the client, with its header */
    size_t record_left;
    unsigned char header[5];
    size_t header_len;
};

/* inner: over what. config and the server's fields are the caller's to set. */
struct transport_maker tls_peer_maker(struct tls_peer *p, const char *name);
struct fp_bytes tls_text(const char *text);
void tls_peer_use_psk(struct tls_peer *p);
void tls_peer_use_ecdsa(struct tls_peer *p, const struct tls_world *w);

#endif
