#include "edge-relay/net/config_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "edge-relay/core/origin.h"
#include "edge-relay/net/address.h"

#define AT(field) .name = #field, .at = offsetof(struct config, field)

const struct option_row option_rows[] = {
    {AT(listen), .kind = OPTION_LISTEN, .preset = "127.0.0.1:9083",
     .about =
         "Where WebSocket (`/mqtt`), the console, `/healthz` and `/metrics` are served without TLS. Port 0 takes a free one, which the log tells."},
    {AT(listen_tls), .kind = OPTION_LISTEN, .preset = "off", .about = "The same with TLS. Needs `cert_file` and `key_file`."},
    {AT(cert_file), .kind = OPTION_PATH, .preset = "off", .live = true,
     .about = "The certificate and those that lead to its CA, in PEM. SIGHUP reads the file again, also where its name has not changed."},
    {AT(key_file), .kind = OPTION_PATH, .preset = "off", .live = true, .about = "The key of the certificate, in PEM. SIGHUP reads it again."},
    {AT(metrics_listen), .kind = OPTION_LISTEN, .preset = "off",
     .about = "An address of its own for `/metrics` and `/healthz`, where whoever reaches it may read them. Without it `/metrics` is served on the "
              "other addresses, to peers on this machine only, and not for requests that a proxy passed on."},
    {AT(broker), .kind = OPTION_BROKER, .preset = "127.0.0.1:1883",
     .about = "The broker: HOST:PORT (a name is looked up once, at the start), or the path of its Unix socket."},
    {AT(www), .kind = OPTION_PATH, .preset = "off", .about = "The folder of the web console. `off` serves no files."},
    {AT(origins), .kind = OPTION_ORIGINS, .preset = "same", .live = true,
     .about = "Which web pages may connect, by the Origin that the browser names: `same` (the page's host is the one it connects to), "
              "`https://host[:port]`, `https://*.domain` or `*` (all), separated by blanks. A client that names none is no browser and may connect."},
    {AT(max_clients), .kind = OPTION_COUNT, .min = 1, .max = 100000, .preset = "1000", .about = "Most WebSocket clients at a time."},
    {AT(max_per_address), .kind = OPTION_COUNT, .min = 0, .max = 100000, .preset = "100",
     .about = "Most connections of one address at a time; of IPv6 a /64 counts as one. `0`: no limit, as behind a proxy, where all clients have the "
              "proxy's address."},
    {AT(connects_per_s), .kind = OPTION_COUNT, .min = 0, .max = 100000, .preset = "20",
     .about = "New connections a second of one address, with a burst of five times as many. `0`: no limit."},
    {AT(handshake_s), .kind = OPTION_COUNT, .min = 1, .max = 60, .preset = "10",
     .about = "How long a peer may take for its TLS handshake, and for the headers of each request."},
    {AT(connect_s), .kind = OPTION_COUNT, .min = 1, .max = 60, .preset = "5", .about = "How long the broker may take to accept a connection."},
    {AT(probe_s), .kind = OPTION_COUNT, .min = 1, .max = 3600, .preset = "10",
     .about = "How often to try whether the broker can be reached while no client is connected to it; `/healthz` tells the last result."},
    {AT(ping_s), .kind = OPTION_COUNT, .min = 0, .max = 3600, .preset = "120",
     .about =
         "How long a client may be silent before it is sent a WebSocket ping; without an answer in 30 s more it is closed. `0`: no pings; MQTT's "
         "own keep alive then finds out."},
    {AT(relay), .kind = OPTION_WORD, .preset = "off",
     .about = "At a site: its name on the trunk, which is also the user that it logs in as, at the site's broker and at the hub's. `off`: no trunk."},
    {AT(site), .kind = OPTION_PEER, .preset = "127.0.0.1:1883", .about = "The site's broker, for the trunk."},
    {AT(site_password_file), .kind = OPTION_PATH, .preset = "off",
     .about = "A file with the relay's password at the site's broker in its first line. Nobody but its owner and its group may read it."},
    {AT(hub), .kind = OPTION_PEER, .preset = "off", .about = "The hub's broker, for the trunk."},
    {AT(hub_password_file), .kind = OPTION_PATH, .preset = "off", .about = "The same with its password at the hub."},
    {AT(hub_ca_file), .kind = OPTION_PATH, .preset = "off",
     .about = "TLS to the hub: the certificates, in PEM, that its certificate has to come from; `hub` is then the name in it, no address. Without "
              "this and `hub_psk_file` the trunk is not "
              "encrypted."},
    {AT(hub_cert_file), .kind = OPTION_PATH, .preset = "off",
     .about = "The relay's own certificate, in PEM, where the hub asks for one (mutual TLS)."},
    {AT(hub_key_file), .kind = OPTION_PATH, .preset = "off", .about = "Its key, in PEM."},
    {AT(hub_psk_identity), .kind = OPTION_WORD, .preset = "off", .about = "TLS to the hub by a key that both have: its name there."},
    {AT(hub_psk_file), .kind = OPTION_PATH, .preset = "off", .about = "And the key: a file with a line of hex digits, 16 to 32 bytes."},
    {AT(log_level), .kind = OPTION_LEVEL, .preset = "info", .live = true, .about = "What is logged to stderr."},
};

const size_t option_row_count = sizeof option_rows / sizeof option_rows[0];

const struct option_row *option_row_find(const char *name, size_t len)
{
    for (size_t i = 0; i < option_row_count; i++) {
        if (strlen(option_rows[i].name) == len && memcmp(option_rows[i].name, name, len) == 0) {
            return &option_rows[i];
        }
    }
    return NULL;
}

const char *option_row_shape(const struct option_row *o)
{
    switch (o->kind) {
    case OPTION_LISTEN:
        return "ADDRESS:PORT or `off`";
    case OPTION_BROKER:
        return "HOST:PORT or /path";
    case OPTION_PATH:
        return "path or `off`";
    case OPTION_WORD:
        return "name or `off`";
    case OPTION_PEER:
        return "HOST:PORT or `off`";
    case OPTION_ORIGINS:
        return "origins";
    case OPTION_COUNT:
        return NULL;
    case OPTION_LEVEL:
        return "`error`, `warn`, `info` or `debug`";
    }
    return NULL;
}

static const char *set_text(const char *value, struct config_text *out)
{
    size_t len = strlen(value);

    if (len == 0) {
        return "a value is expected";
    }
    if (len >= sizeof out->text) {
        return "the value is too long";
    }
    memset(out, 0, sizeof *out);
    memcpy(out->text, value, strcmp(value, "off") == 0 ? 0 : len);
    return NULL;
}

static const char *set_count(const struct option_row *o, const char *value, uint64_t *out)
{
    char *end = NULL;

    errno = 0;
    unsigned long long n = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0') {
        return "a number is expected";
    }
    if (errno != 0 || n < o->min || n > o->max) {
        return "the number is out of range";
    }
    *out = n;
    return NULL;
}

static const char *set_level(const char *value, enum log_level *out)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};

    for (int i = 0; i < 4; i++) {
        if (strcmp(value, names[i]) == 0) {
            *out = (enum log_level)i;
            return NULL;
        }
    }
    return "`error`, `warn`, `info` or `debug` is expected";
}

static const char *set_listen(const char *value, struct config_text *out)
{
    struct address a;

    if (strcmp(value, "off") != 0 && !address_parse_numeric(value, &a)) {
        return "a numeric address and a port are expected, such as 127.0.0.1:9083 or [::1]:9083, or `off`";
    }
    return set_text(value, out);
}

static const char *set_peer(const char *value, struct config_text *out)
{
    char host[CONFIG_TEXT_MAX], port[8];

    if (strcmp(value, "off") != 0 && (!address_split(value, host, sizeof host, port, sizeof port) || strcmp(port, "0") == 0)) {
        return "HOST:PORT is expected, or `off`";
    }
    return set_text(value, out);
}

static const char *set_broker(const char *value, struct config_text *out)
{
    char host[CONFIG_TEXT_MAX], port[8];

    if (value[0] == '/') {
        return strlen(value) < sizeof((struct sockaddr_un *)NULL)->sun_path ? set_text(value, out) : "the path is too long for a Unix socket";
    }
    if (!address_split(value, host, sizeof host, port, sizeof port) || strcmp(port, "0") == 0) {
        return "HOST:PORT or the path of a Unix socket is expected";
    }
    return set_text(value, out);
}

const char *option_row_set(const struct option_row *o, const char *value, struct config *c)
{
    void *at = (char *)c + o->at;
    size_t bad_at, bad_len;

    switch (o->kind) {
    case OPTION_LISTEN:
        return set_listen(value, at);
    case OPTION_BROKER:
        return set_broker(value, at);
    case OPTION_PATH:
        return set_text(value, at);
    case OPTION_WORD:
        return strpbrk(value, " \t") != NULL ? "a name without blanks is expected" : set_text(value, at);
    case OPTION_PEER:
        return set_peer(value, at);
    case OPTION_ORIGINS:
        if (!origin_list_ok(value, &bad_at, &bad_len)) {
            return "`same`, `*`, `scheme://host[:port]` or `scheme://*.domain` are expected, separated by blanks";
        }
        return set_text(value, at);
    case OPTION_COUNT:
        return set_count(o, value, at);
    case OPTION_LEVEL:
        return set_level(value, at);
    }
    return "no such kind of option";
}
