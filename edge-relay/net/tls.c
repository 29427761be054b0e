#include "edge-relay/net/tls.h"

#include <stddef.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

static const char *reason_of(const char *otherwise)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());

    ERR_clear_error();
    return reason != NULL ? reason : otherwise;
}

static const char *load(SSL_CTX *ctx, const char *cert_file, const char *key_file)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1) {
        return reason_of("the certificate cannot be read");
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1) {
        return reason_of("the key cannot be read");
    }
    return SSL_CTX_check_private_key(ctx) == 1 ? NULL : reason_of("the key is not that of the certificate");
}

const char *tls_check_files(const char *cert_file, const char *key_file)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (ctx == NULL) {
        return reason_of("no memory");
    }
    const char *why = load(ctx, cert_file, key_file);
    SSL_CTX_free(ctx);
    return why;
}

const char *tls_reload(struct ssl_ctx_st *ctx, const char *cert_file, const char *key_file)
{
    const char *why = tls_check_files(cert_file, key_file);

    return why != NULL ? why : load(ctx, cert_file, key_file);
}
