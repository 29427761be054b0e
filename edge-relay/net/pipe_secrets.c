#include "edge-relay/net/pipe_secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware-client/ports/posix.h"

#define FILE_BYTES_MAX 65536

struct content {
    char *own; /* with a NUL behind it */
    size_t len;
};

static void wipe(struct content *f)
{
    if (f->own) {
        explicit_bzero(f->own, f->len);
        free(f->own);
    }
    *f = (struct content){0};
}

static bool refuse(char *error, const char *option, const char *path, const char *why)
{
    (void)snprintf(error, CONFIG_ERROR_MAX, "option %s: %.255s: %s", option, path, why);
    return false;
}

static bool read_all(int fd, struct content *out)
{
    out->own = malloc(FILE_BYTES_MAX + 1);
    while (out->own && out->len < FILE_BYTES_MAX) {
        ssize_t n = read(fd, out->own + out->len, FILE_BYTES_MAX - out->len);
        if (n <= 0) {
            out->own[out->len] = '\0';
            return n == 0 && out->len > 0;
        }
        out->len += (size_t)n;
    }
    return false;
}

static bool read_file(const char *path, const char *option, bool secret, struct content *out, char *error)
{
    struct stat st;
    *out = (struct content){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        bool fine = refuse(error, option, path, strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
        return fine;
    }
    bool fine = true;
    if (!S_ISREG(st.st_mode)) {
        fine = refuse(error, option, path, "it is no file");
    } else if (secret && (st.st_mode & (S_IRWXG | S_IRWXO) & ~(mode_t)S_IRGRP) != 0) {
        fine = refuse(error, option, path, "others may read or change it; take their rights away (chmod 600, or 640)");
    } else if (!read_all(fd, out)) {
        fine = refuse(error, option, path, "it is empty, longer than 64 KiB, or cannot be read");
    }
    (void)close(fd);
    if (!fine) {
        wipe(out);
    }
    return fine;
}

static void first_line(struct content *f)
{
    size_t len = strcspn(f->own, "\r\n");
    explicit_bzero(f->own + len, f->len - len);
    f->len = len;
}

bool pipe_password(const char *path, const char *option, char **out, char out_error[CONFIG_ERROR_MAX])
{
    struct content f;
    *out = NULL;
    if (path[0] == '\0') {
        return true;
    }
    if (!read_file(path, option, true, &f, out_error)) {
        return false;
    }
    first_line(&f);
    if (f.len == 0) {
        wipe(&f);
        return refuse(out_error, option, path, "its first line is empty");
    }
    *out = f.own;
    return true;
}

bool pipe_wants_tls(const struct config *c)
{
    return c->hub_ca_file.text[0] != '\0' || c->hub_psk_file.text[0] != '\0';
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* In place; false if it is no even number of hex digits. */
static bool unhex(struct content *f)
{
    if (f->len == 0 || f->len % 2 != 0) {
        return false;
    }
    for (size_t i = 0; i < f->len; i += 2) {
        int high = digit(f->own[i]);
        int low = digit(f->own[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        f->own[i / 2] = (char)(high * 16 + low);
    }
    f->len /= 2;
    return true;
}

/* The client's sentences name the field of its struct. */
static const char *option_behind(const char *sentence)
{
    static const struct {
        const char *field, *option;
    } names[] = {
        {": host ", "option hub"},
        {": ca ", "option hub_ca_file"},
        {": own_crt ", "option hub_cert_file"},
        {": own_key ", "option hub_key_file"},
        {": identity ", "option hub_psk_identity"},
        {": psk ", "option hub_psk_file"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strstr(sentence, names[i].field)) {
            return names[i].option;
        }
    }
    return "TLS with the hub";
}

static bool start(struct fp_tls *tls, const struct fp_tls_config *config, const struct fp_transport *inner, struct fp_transport *out, char *error)
{
    if (fp_tls_init(tls, config, inner, out) == FP_OK) {
        return true;
    }
    (void)snprintf(error, CONFIG_ERROR_MAX, "%s: %s", option_behind(fp_tls_error(tls)), fp_tls_error(tls));
    return false;
}

static bool by_key(const struct config *c, struct fp_tls *tls, const struct fp_transport *inner, struct fp_transport *out, char *error)
{
    struct fp_tls_config config = {.profile = FP_TLS_PSK, .entropy = fp_posix_entropy};
    struct content key;
    if (!read_file(c->hub_psk_file.text, "hub_psk_file", true, &key, error)) {
        return false;
    }
    first_line(&key);
    bool fine = unhex(&key) || refuse(error, "hub_psk_file", c->hub_psk_file.text, "the first line must be hex digits");
    if (fine) {
        config.identity = fp_bytes_of(c->hub_psk_identity.text, strlen(c->hub_psk_identity.text));
        config.psk = fp_bytes_of(key.own, key.len);
        fine = start(tls, &config, inner, out, error);
    }
    wipe(&key);
    return fine;
}

static bool by_certificate(const struct config *c, const char *host, struct fp_tls *tls, const struct fp_transport *inner, struct fp_transport *out,
                           char *error)
{
    struct content ca, crt = {0}, key = {0};
    bool own = c->hub_cert_file.text[0] != '\0';
    bool fine = read_file(c->hub_ca_file.text, "hub_ca_file", false, &ca, error) &&
                (!own || (read_file(c->hub_cert_file.text, "hub_cert_file", false, &crt, error) &&
                          read_file(c->hub_key_file.text, "hub_key_file", true, &key, error)));
    if (fine) {
        struct fp_tls_config config = {
            .profile = FP_TLS_ECDSA,
            .host = host,
            .ca = fp_bytes_of(ca.own, ca.len),
            .own_crt = fp_bytes_of(crt.own, crt.len),
            .own_key = fp_bytes_of(key.own, key.len),
            .entropy = fp_posix_entropy,
        };
        fine = start(tls, &config, inner, out, error);
    }
    wipe(&ca);
    wipe(&crt);
    wipe(&key);
    return fine;
}

bool pipe_tls(const struct config *c, const char *host, struct fp_tls *tls, const struct fp_transport *inner, struct fp_transport *out,
              char out_error[CONFIG_ERROR_MAX])
{
    if (c->hub_psk_file.text[0] != '\0') {
        return by_key(c, tls, inner, out, out_error);
    }
    return by_certificate(c, host, tls, inner, out, out_error);
}
