#include "firmware-client/cli/wire_tls.h"

#include <stdlib.h>

#include "firmware-client/cli/decode.h"
#include "firmware-client/ports/posix.h"
#include "firmware-client/ports/transport_tls.h"

struct wire_tls {
    struct fp_tls tls;
};

static bool read_optional(const char *path, struct str *out, struct str *why)
{
    return !path || settings_read_file(path, out, NULL, why);
}

/* The key is a line of hex digits, as mosquitto_sub --psk takes it. */
static enum fp_err open_psk(struct wire_tls *t, const struct settings *s, struct fp_transport *transport, struct str *why)
{
    struct fp_tls_config config = {.profile = FP_TLS_PSK, .entropy = fp_posix_entropy};
    const char *identity = settings_get(s, SET_PSK_IDENTITY);
    struct fp_transport inner = *transport;
    struct str key = {0};
    char *line = NULL;
    size_t at;
    if (!settings_secret(settings_get(s, SET_PSK_FILE), &line, why)) {
        return FP_ECONFIG;
    }
    enum fp_err err = decode_hex(&key, line, strlen(line), &at) ? FP_OK : FP_ECONFIG;
    if (err) {
        str_format(why, "%s: the first line must be hex digits", settings_get(s, SET_PSK_FILE));
    } else {
        config.identity = fp_bytes_of(identity, strlen(identity));
        config.psk = str_bytes(&key);
        err = fp_tls_init(&t->tls, &config, &inner, transport);
    }
    memset(line, 0, strlen(line));
    free(line);
    str_fini(&key);
    return err;
}

static enum fp_err open_certificates(struct wire_tls *t, const struct settings *s, struct fp_transport *transport, struct str *why)
{
    struct fp_transport inner = *transport;
    struct str ca = {0};
    struct str own_crt = {0};
    struct str own_key = {0};
    enum fp_err err = FP_ECONFIG;
    if (!settings_get(s, SET_CAFILE)) {
        str_text(why, "TLS needs --cafile, or --psk-identity and --psk-file");
        return err;
    }
    bool fine = read_optional(settings_get(s, SET_CAFILE), &ca, why) && read_optional(settings_get(s, SET_CERT), &own_crt, why) &&
                (!settings_get(s, SET_KEY) || settings_read_file(settings_get(s, SET_KEY), &own_key, NULL, why));
    if (fine) {
        const struct fp_tls_config config = {
            .profile = FP_TLS_ECDSA,
            .host = settings_get(s, SET_HOST),
            .ca = str_bytes(&ca),
            .own_crt = str_bytes(&own_crt),
            .own_key = str_bytes(&own_key),
            .entropy = fp_posix_entropy,
        };
        err = fp_tls_init(&t->tls, &config, &inner, transport);
    }
    if (own_key.len > 0) {
        memset(own_key.p, 0, own_key.len);
    }
    str_fini(&ca);
    str_fini(&own_crt);
    str_fini(&own_key);
    return err;
}

enum fp_err wire_tls_open(struct wire_tls **out, const struct settings *s, struct fp_transport *transport, struct str *why)
{
    struct wire_tls *t = keep_memory(calloc(1, sizeof *t));
    enum fp_err err = settings_get(s, SET_PSK_FILE) ? open_psk(t, s, transport, why) : open_certificates(t, s, transport, why);
    if (err && why->len == 0) {
        str_text(why, fp_tls_error(&t->tls));
    }
    if (err) {
        free(t);
        t = NULL;
    }
    *out = t;
    return err;
}

const char *wire_tls_error(const struct wire_tls *t)
{
    return fp_tls_error(&t->tls);
}

void wire_tls_close(struct wire_tls *t)
{
    if (t) {
        fp_tls_fini(&t->tls);
        free(t);
    }
}
