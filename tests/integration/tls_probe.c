/*
 * tls_probe: connects to a broker by TLS, says an MQTT CONNECT, waits for its answer and goes, a few times over, with one struct fp_tls.
 *   tls_probe port=N [host=127.0.0.1] [count=1] [record=0] id=CLIENT identity=TEXT psk=HEX
 *   tls_probe port=N [host=127.0.0.1] [count=1] [record=0] id=CLIENT name=HOST ca=FILE [crt=FILE key=FILE]
 * A line for each connection: "open CODE full|resumed CIPHER MICROSECONDS" and, if it stood, "connack CODE"; otherwise "why SENTENCE".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware-client/ports/posix.h"
#include "firmware-client/ports/transport_tcp.h"
#include "firmware-client/ports/transport_tls.h"

#define PATIENCE_US 10000000U
#define FILE_MAX 16384

struct probe {
    const char *value[11];
    struct fp_tcp tcp;
    struct fp_tls tls;
    struct fp_transport port;
    uint8_t key[64];
    char files[3][FILE_MAX];
};

enum { HOST, PORT, COUNT, RECORD, ID, IDENTITY, PSK, NAME, CA, CRT, KEY };
static const char *const NAMES[] = {"host", "port", "count", "record", "id", "identity", "psk", "name", "ca", "crt", "key"};

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "tls_probe: %s: %s\n", what, why);
    exit(2);
}

static void read_arguments(struct probe *p, int argc, char **argv)
{
    p->value[HOST] = "127.0.0.1";
    p->value[COUNT] = "1";
    p->value[RECORD] = "0";
    for (int i = 1; i < argc; i++) {
        bool known = false;
        for (size_t n = 0; n < sizeof NAMES / sizeof NAMES[0]; n++) {
            size_t len = strlen(NAMES[n]);
            if (strncmp(argv[i], NAMES[n], len) == 0 && argv[i][len] == '=') {
                p->value[n] = argv[i] + len + 1;
                known = true;
            }
        }
        if (!known) {
            die(argv[i], "unknown");
        }
    }
    if (!p->value[PORT] || !p->value[ID]) {
        die("arguments", "port and id are needed");
    }
}

static struct fp_bytes file_of(struct probe *p, int which)
{
    const char *path = p->value[which];
    char *buf = p->files[which - CA];
    if (!path) {
        return (struct fp_bytes){0};
    }
    FILE *f = fopen(path, "rb");
    if (!f) {
        die(path, "cannot be opened");
    }
    size_t n = fread(buf, 1, FILE_MAX, f);
    (void)fclose(f);
    return fp_bytes_of(buf, n);
}

static struct fp_bytes bytes_of_hex(struct probe *p, const char *hex)
{
    size_t n = 0;
    for (unsigned byte = 0; n < sizeof p->key && sscanf(hex + 2 * n, "%2x", &byte) == 1; n++) {
        p->key[n] = (uint8_t)byte;
    }
    return fp_bytes_of(p->key, n);
}

static void set_up(struct probe *p)
{
    struct fp_transport inner;
    struct fp_tls_config config = {.entropy = fp_posix_entropy, .record_bytes = (uint16_t)strtoul(p->value[RECORD], NULL, 10)};
    if (p->value[PSK]) {
        config.profile = FP_TLS_PSK;
        config.identity = fp_bytes_of(p->value[IDENTITY], strlen(p->value[IDENTITY]));
        config.psk = bytes_of_hex(p, p->value[PSK]);
    } else {
        config.profile = FP_TLS_ECDSA;
        config.host = p->value[NAME];
        config.ca = file_of(p, CA);
        config.own_crt = file_of(p, CRT);
        config.own_key = file_of(p, KEY);
    }
    if (fp_tcp_init(&p->tcp, p->value[HOST], p->value[PORT], &inner) != FP_OK) {
        die("tcp", "host or port");
    }
    if (fp_tls_init(&p->tls, &config, &inner, &p->port) != FP_OK) {
        die("tls", fp_tls_error(&p->tls));
    }
}

static void wait_for_it(struct probe *p, struct fp_mono until)
{
    (void)fp_posix_wait(fp_tcp_fd(&p->tcp), !p->tcp.stands, until, fp_posix_mono());
    if (fp_posix_mono().us >= until.us) {
        die("patience", "10 s are over");
    }
}

static size_t connect_packet(const char *id, uint8_t *out)
{
    static const uint8_t FIXED[] = {0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60, 0};
    size_t len = strlen(id) < 64 ? strlen(id) : 64;
    out[0] = 0x10;
    out[1] = (uint8_t)(sizeof FIXED + 1 + len);
    memcpy(out + 2, FIXED, sizeof FIXED);
    out[2 + sizeof FIXED] = (uint8_t)len;
    memcpy(out + 3 + sizeof FIXED, id, len);
    return 3 + sizeof FIXED + len;
}

static bool write_all(struct probe *p, const uint8_t *buf, size_t len, struct fp_mono until)
{
    for (size_t sent = 0, n = 0; sent < len; sent += n) {
        enum fp_err err = p->port.write(p->port.ctx, buf + sent, len - sent, &n);
        n = err ? 0 : n;
        if (err == FP_EAGAIN) {
            wait_for_it(p, until);
        } else if (err) {
            return false;
        }
    }
    return true;
}

static void talk(struct probe *p, struct fp_mono until)
{
    static const uint8_t BYE[] = {0xe0, 0};
    uint8_t buf[128], answer[4];
    size_t heard = 0;
    bool fine = write_all(p, buf, connect_packet(p->value[ID], buf), until);
    while (fine && heard < sizeof answer) {
        size_t n = 0;
        enum fp_err err = p->port.read(p->port.ctx, answer + heard, sizeof answer - heard, &n);
        if (err == FP_EAGAIN) {
            wait_for_it(p, until);
        }
        fine = err == FP_OK || err == FP_EAGAIN;
        heard += err ? 0 : n;
    }
    if (!fine) {
        printf("why %s\n", fp_tls_error(&p->tls));
        return;
    }
    printf("connack %u\n", answer[3]);
    (void)write_all(p, BYE, sizeof BYE, until);
}

int main(int argc, char **argv)
{
    static struct probe p;
    read_arguments(&p, argc, argv);
    set_up(&p);
    for (unsigned long left = strtoul(p.value[COUNT], NULL, 10); left > 0; left--) {
        struct fp_mono start = fp_posix_mono(), until = {.us = start.us + PATIENCE_US};
        enum fp_err err = p.port.open(p.port.ctx);
        for (; err == FP_EAGAIN; err = p.port.open(p.port.ctx)) {
            wait_for_it(&p, until);
        }
        const char *cipher = err ? NULL : mbedtls_ssl_get_ciphersuite(&p.tls.ssl);
        printf("open %s %s %s %llu\n", err ? fp_err_name(err) : "ok", fp_tls_resumed(&p.tls) ? "resumed" : "full", cipher ? cipher : "-",
               (unsigned long long)(fp_posix_mono().us - start.us));
        if (err) {
            printf("why %s\n", err == FP_EIO && !p.tcp.stands ? fp_tcp_error(&p.tcp) : fp_tls_error(&p.tls));
        } else {
            talk(&p, until);
        }
        p.port.close(p.port.ctx);
    }
    fp_tls_fini(&p.tls);
    return 0;
}
