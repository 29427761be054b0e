#include "firmware-client/ports/tls_why.h"

enum { CODE_DIGITS = 8 };

/* Alerts that a peer sends when it does not want us, whether it can name the reason or not. A wrong key shows as a bad record. */
static const struct {
    unsigned char alert;
    const char *sentence;
} REFUSALS[] = {
    {MBEDTLS_SSL_ALERT_MSG_BAD_RECORD_MAC, "the other side refuses us: the keys do not agree (bad record MAC)"},
    {MBEDTLS_SSL_ALERT_MSG_DECRYPT_ERROR, "the other side refuses us: the keys do not agree (decrypt error)"},
    {MBEDTLS_SSL_ALERT_MSG_UNKNOWN_PSK_IDENTITY, "the other side refuses us: it does not know the PSK identity"},
    {MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE, "the other side refuses us: it wants another cipher, or a certificate (handshake failure)"},
    {MBEDTLS_SSL_ALERT_MSG_NO_CERT, "the other side refuses us: it wants a certificate"},
    {MBEDTLS_SSL_ALERT_MSG_BAD_CERT, "the other side refuses our certificate: it is damaged"},
    {MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT, "the other side refuses our certificate: of a kind that it does not take"},
    {MBEDTLS_SSL_ALERT_MSG_CERT_REVOKED, "the other side refuses our certificate: revoked"},
    {MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED, "the other side refuses our certificate: expired"},
    {MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN, "the other side refuses our certificate"},
    {MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA, "the other side refuses our certificate: it does not know its CA"},
    {MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED, "the other side refuses us: access denied"},
};

static size_t append(struct fp_tls *t, size_t at, const char *text)
{
    while (*text && at + 1 < sizeof t->error) {
        t->error[at++] = *text++;
    }
    t->error[at] = '\0';
    return at;
}

void fp_tls_say(struct fp_tls *t, const char *sentence)
{
    (void)append(t, 0, sentence);
}

static void say_code(struct fp_tls *t, const char *what, unsigned code)
{
    char digits[CODE_DIGITS];
    size_t at = sizeof digits;
    digits[--at] = '\0';
    for (; at > 0 && (code > 0 || !digits[at]); code /= 16) {
        digits[--at] = "0123456789abcdef"[code % 16];
    }
    (void)append(t, append(t, append(t, 0, what), " 0x"), digits + at);
}

/* ------------------------------------------------------------------ what may have happened at any time */

static enum fp_err of_stream(struct fp_tls *t, int code)
{
    switch (code) {
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
        fp_tls_say(t, "the other side has closed the connection");
        return FP_EIO;
    case MBEDTLS_ERR_SSL_CONN_EOF:
        fp_tls_say(t, "the connection broke off");
        return FP_EIO;
    case MBEDTLS_ERR_SSL_ALLOC_FAILED:
        fp_tls_say(t, "no memory for TLS");
        return FP_ENOMEM;
    default:
        say_code(t, "TLS failed: mbedTLS error -", (unsigned)-code);
        return FP_EIO;
    }
}

static const char *refusal(const struct fp_tls *t)
{
    for (size_t i = 0; i < sizeof REFUSALS / sizeof REFUSALS[0]; i++) {
        if (t->ssl.in_msg[1] == REFUSALS[i].alert) { /* in_msg: of the alert that was read last, level and description */
            return REFUSALS[i].sentence;
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------ the handshake */

#if defined(MBEDTLS_X509_CRT_PARSE_C)
static const struct {
    uint32_t flag;
    const char *sentence;
} DOUBTS[] = {
    {MBEDTLS_X509_BADCERT_CN_MISMATCH, "is of another host"},
    {MBEDTLS_X509_BADCERT_NOT_TRUSTED, "is not of the CA that we trust"},
    {MBEDTLS_X509_BADCERT_EXPIRED, "is expired"},
    {MBEDTLS_X509_BADCERT_FUTURE, "is not valid yet (or our clock is wrong)"},
    {MBEDTLS_X509_BADCERT_REVOKED, "is revoked"},
    {MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY, "is signed with something other than ECDSA on P-256"},
    {MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE | MBEDTLS_X509_BADCERT_NS_CERT_TYPE, "is not one for servers"},
};

static void say_doubts(struct fp_tls *t)
{
    uint32_t flags = mbedtls_ssl_get_verify_result(&t->ssl);
    size_t at = append(t, 0, "the certificate of the other side ");
    size_t said = 0;
    for (size_t i = 0; i < sizeof DOUBTS / sizeof DOUBTS[0]; i++) {
        if (flags & DOUBTS[i].flag) {
            at = append(t, at, said++ > 0 ? ", and " : "");
            at = append(t, at, DOUBTS[i].sentence);
        }
    }
    (void)append(t, at, said > 0 ? "" : "was not accepted");
}
#endif

static enum fp_err of_alert(struct fp_tls *t)
{
    const char *sentence = refusal(t);
    if (sentence) {
        fp_tls_say(t, sentence);
        return FP_EDENIED;
    }
    say_code(t, "the other side broke off the handshake: alert", t->ssl.in_msg[1]);
    return FP_EIO;
}

enum fp_err fp_tls_why_open(struct fp_tls *t, int code)
{
    switch (code) {
#if defined(MBEDTLS_X509_CRT_PARSE_C)
    case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
        say_doubts(t);
        return FP_EDENIED;
#endif
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
        return of_alert(t);
    case MBEDTLS_ERR_SSL_INVALID_MAC: /* its Finished is not what the shared key makes */
    case MBEDTLS_ERR_SSL_BAD_HS_FINISHED:
        fp_tls_say(t, "the other side does not have the key");
        return FP_EDENIED;
    case MBEDTLS_ERR_SSL_BAD_HS_SERVER_KEY_EXCHANGE:
        fp_tls_say(t, "the other side could not prove that the certificate is its own");
        return FP_EDENIED;
    case MBEDTLS_ERR_SSL_BAD_HS_CERTIFICATE:
    case MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE:
    case MBEDTLS_ERR_SSL_PEER_VERIFY_FAILED:
        fp_tls_say(t, "the certificate of the other side cannot be used");
        return FP_EDENIED;
    default:
        return of_stream(t, code);
    }
}

enum fp_err fp_tls_why_end(struct fp_tls *t, int code)
{
    if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
        say_code(t, "the other side broke off: alert", t->ssl.in_msg[1]);
        return FP_EIO;
    }
    if (code == 0) {
        code = MBEDTLS_ERR_SSL_CONN_EOF;
    }
    return of_stream(t, code);
}
