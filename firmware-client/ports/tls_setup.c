/*
 * What a struct fp_tls_config says, told to mbedTLS.
 */
#include <mbedtls/error.h>
#include <mbedtls/platform.h>
#include <mbedtls/platform_util.h>

#include "firmware-client/ports/tls_setup.h"
#include "firmware-client/ports/tls_why.h"

#define NO_FIELD "the configuration of TLS: "

static enum fp_err wrong(struct fp_tls *t, const char *sentence)
{
    fp_tls_say(t, sentence);
    return FP_ECONFIG;
}

static enum fp_err no_memory(struct fp_tls *t)
{
    fp_tls_say(t, "no memory for TLS");
    return FP_ENOMEM;
}

/* ------------------------------------------------------------------ PSK */

#if defined(MBEDTLS_KEY_EXCHANGE_PSK_ENABLED)
static const int PSK_SUITES[] = {MBEDTLS_TLS_PSK_WITH_AES_128_GCM_SHA256, MBEDTLS_TLS_PSK_WITH_AES_128_CCM, 0};

static enum fp_err set_up_psk(struct fp_tls *t, const struct fp_tls_config *config)
{
    if (config->identity.len == 0) {
        return wrong(t, NO_FIELD "identity is empty");
    }
    if (config->psk.len < FP_TLS_PSK_MIN || config->psk.len > MBEDTLS_PSK_MAX_LEN) {
        return wrong(t, NO_FIELD "psk has fewer than 16 bytes, or more than mbedTLS takes");
    }
#if defined(MBEDTLS_SSL_SESSION_TICKETS)
    mbedtls_ssl_conf_session_tickets(&t->conf, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
#endif
    mbedtls_ssl_conf_ciphersuites(&t->conf, PSK_SUITES);
    int code = mbedtls_ssl_conf_psk(&t->conf, config->psk.p, config->psk.len, config->identity.p, config->identity.len);
    return code == 0 ? FP_OK : code == MBEDTLS_ERR_SSL_ALLOC_FAILED ? no_memory(t) : wrong(t, NO_FIELD "identity is too long");
}
#else
static enum fp_err set_up_psk(struct fp_tls *t, const struct fp_tls_config *config)
{
    (void)config;
    return wrong(t, NO_FIELD "this mbedTLS is built without PSK");
}
#endif

/* ------------------------------------------------------------------ certificates */

#if defined(MBEDTLS_KEY_EXCHANGE_ECDHE_ECDSA_ENABLED) && defined(MBEDTLS_X509_CRT_PARSE_C)
static const int ECDSA_SUITES[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_CCM, 0};
static const mbedtls_ecp_group_id CURVES[] = {MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_NONE};
static const char PEM_START[] = "-----BEGIN ";

/* mbedTLS wants PEM with its terminating zero, which a file does not have. *out_len counts it; NULL: no memory. */
static unsigned char *terminated(struct fp_bytes text, size_t *out_len)
{
    unsigned char *own_copy = mbedtls_calloc(1, text.len + 1);
    if (own_copy) {
        memcpy(own_copy, text.p, text.len);
        bool pem = text.len >= sizeof PEM_START - 1 && memcmp(text.p, PEM_START, sizeof PEM_START - 1) == 0;
        for (size_t i = 0; !pem && i + sizeof PEM_START <= text.len; i++) { /* openssl writes prose in front */
            pem = text.p[i] == '\n' && memcmp(text.p + i + 1, PEM_START, sizeof PEM_START - 1) == 0;
        }
        *out_len = text.len + (pem ? 1 : 0);
    }
    return own_copy;
}

static enum fp_err read_crt(struct fp_tls *t, struct fp_bytes text, mbedtls_x509_crt *out, const char *sentence)
{
    size_t len = 0;
    unsigned char *own_copy = terminated(text, &len);
    if (!own_copy) {
        return no_memory(t);
    }
    int code = mbedtls_x509_crt_parse(out, own_copy, len);
    mbedtls_free(own_copy);
    return code == 0 ? FP_OK : code == MBEDTLS_ERR_X509_ALLOC_FAILED ? no_memory(t) : wrong(t, sentence);
}

static enum fp_err read_key(struct fp_tls *t, struct fp_bytes text)
{
    size_t len = 0;
    unsigned char *own_copy = terminated(text, &len);
    if (!own_copy) {
        return no_memory(t);
    }
    int code = mbedtls_pk_parse_key(&t->own_key, own_copy, len, NULL, 0);
    mbedtls_platform_zeroize(own_copy, text.len);
    mbedtls_free(own_copy);
    if (code || mbedtls_pk_check_pair(&t->own_crt.pk, &t->own_key) != 0) {
        return wrong(t, code ? NO_FIELD "own_key is no key that can be read" : NO_FIELD "own_key is not the key of own_crt");
    }
    return FP_OK;
}

static enum fp_err set_up_own(struct fp_tls *t, const struct fp_tls_config *config)
{
    enum fp_err err = read_crt(t, config->own_crt, &t->own_crt, NO_FIELD "own_crt is no certificate that can be read");
    if (!err) {
        err = read_key(t, config->own_key);
    }
    if (err) {
        return err;
    }
    return mbedtls_ssl_conf_own_cert(&t->conf, &t->own_crt, &t->own_key) == 0 ? FP_OK : no_memory(t);
}

static enum fp_err set_up_ecdsa(struct fp_tls *t, const struct fp_tls_config *config)
{
    if (!config->host || !*config->host) {
        return wrong(t, NO_FIELD "host is empty");
    }
    if ((config->own_crt.len == 0) != (config->own_key.len == 0)) {
        return wrong(t, NO_FIELD "own_crt and own_key go together");
    }
    enum fp_err err = read_crt(t, config->ca, &t->ca, NO_FIELD "ca is no certificate that can be read");
    if (!err && config->own_crt.len > 0) {
        err = set_up_own(t, config);
    }
    if (err) {
        return err;
    }
    t->resumes = true;
    mbedtls_ssl_conf_ciphersuites(&t->conf, ECDSA_SUITES);
    mbedtls_ssl_conf_curves(&t->conf, CURVES);
    mbedtls_ssl_conf_cert_profile(&t->conf, &mbedtls_x509_crt_profile_suiteb); /* ECDSA on P-256 or P-384, SHA-256 or better */
    mbedtls_ssl_conf_ca_chain(&t->conf, &t->ca, NULL);
    mbedtls_ssl_conf_authmode(&t->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    return FP_OK;
}

static enum fp_err set_host(struct fp_tls *t, const struct fp_tls_config *config)
{
    int code = config->profile == FP_TLS_ECDSA ? mbedtls_ssl_set_hostname(&t->ssl, config->host) : 0;
    return code == 0 ? FP_OK : code == MBEDTLS_ERR_SSL_ALLOC_FAILED ? no_memory(t) : wrong(t, NO_FIELD "host is too long");
}
#else
static enum fp_err set_up_ecdsa(struct fp_tls *t, const struct fp_tls_config *config)
{
    (void)config;
    return wrong(t, NO_FIELD "this mbedTLS is built without ECDHE-ECDSA");
}

static enum fp_err set_host(struct fp_tls *t, const struct fp_tls_config *config)
{
    (void)t;
    (void)config;
    return FP_OK;
}
#endif

/* ------------------------------------------------------------------ both */

static enum fp_err set_records(struct fp_tls *t, uint16_t record_bytes)
{
    static const uint16_t BYTES[] = {0, 512, 1024, 2048, 4096};
    static const unsigned char CODES[] = {MBEDTLS_SSL_MAX_FRAG_LEN_NONE, MBEDTLS_SSL_MAX_FRAG_LEN_512, MBEDTLS_SSL_MAX_FRAG_LEN_1024,
                                          MBEDTLS_SSL_MAX_FRAG_LEN_2048, MBEDTLS_SSL_MAX_FRAG_LEN_4096};
    for (size_t i = 0; i < sizeof BYTES / sizeof BYTES[0]; i++) {
        if (BYTES[i] == record_bytes && (i == 0 || mbedtls_ssl_conf_max_frag_len(&t->conf, CODES[i]) == 0)) {
            return FP_OK;
        }
    }
    return wrong(t, NO_FIELD "record_bytes is not 0, 512, 1024, 2048 or 4096, or longer than the buffers of mbedTLS");
}

static enum fp_err set_profile(struct fp_tls *t, const struct fp_tls_config *config)
{
    switch (config->profile) {
    case FP_TLS_PSK:
        return set_up_psk(t, config);
    case FP_TLS_ECDSA:
        return set_up_ecdsa(t, config);
    }
    return wrong(t, NO_FIELD "there is no such profile");
}

enum fp_err fp_tls_set_up(struct fp_tls *t, const struct fp_tls_config *config)
{
    if (!config->entropy) {
        return wrong(t, NO_FIELD "entropy is missing");
    }
    if (mbedtls_ctr_drbg_seed(&t->drbg, config->entropy, config->entropy_ctx, NULL, 0) != 0) {
        fp_tls_say(t, "there is no entropy for TLS");
        return FP_EIO;
    }
    if (mbedtls_ssl_config_defaults(&t->conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) != 0) {
        return no_memory(t);
    }
    mbedtls_ssl_conf_rng(&t->conf, mbedtls_ctr_drbg_random, &t->drbg);
    mbedtls_ssl_conf_min_version(&t->conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3); /* TLS 1.2 */
    enum fp_err err = set_profile(t, config);
    if (!err) {
        err = set_records(t, config->record_bytes);
    }
    if (err) {
        return err;
    }
    return mbedtls_ssl_setup(&t->ssl, &t->conf) == 0 ? set_host(t, config) : no_memory(t);
}
