#include "edge-relay/core/origin.h"

#include <string.h>

struct text {
    const char *p;
    size_t len;
};

static bool is_gap(char c)
{
    return c == ' ' || c == '\t' || c == ',';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same(struct text a, struct text b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.p[i]) != lower(b.p[i])) {
            return false;
        }
    }
    return true;
}

static struct text text_of(const char *p)
{
    return (struct text){.p = p, .len = strnlen(p, ORIGIN_MAX + 1)};
}

/* The next word at or after *at; its length is 0 at the end of the list. */
static struct text next_word(const char *list, size_t *at)
{
    while (list[*at] != '\0' && is_gap(list[*at])) {
        (*at)++;
    }
    struct text word = {.p = list + *at};
    while (list[*at] != '\0' && !is_gap(list[*at])) {
        (*at)++;
        word.len++;
    }
    return word;
}

static bool is_name_char(char c)
{
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

/* Splits "host:port" at the last colon outside of brackets. Without a port *out_port is empty. False if it is not of that form. */
static bool split_port(struct text authority, struct text *out_host, struct text *out_port)
{
    size_t host = 0;

    if (authority.len > 0 && authority.p[0] == '[') {
        const char *end = memchr(authority.p, ']', authority.len);
        host = end == NULL ? 0 : (size_t)(end - authority.p) + 1;
        for (size_t i = 1; i + 1 < host; i++) {
            if (authority.p[i] != ':' && !is_name_char(authority.p[i])) {
                return false;
            }
        }
    } else {
        while (host < authority.len && is_name_char(authority.p[host])) {
            host++;
        }
    }
    *out_host = (struct text){.p = authority.p, .len = host};
    *out_port = (struct text){.p = authority.p + host, .len = authority.len - host};
    if (host == 0 || out_port->len == 0) {
        return host > 0;
    }
    if (out_port->p[0] != ':' || out_port->len < 2 || out_port->len > 6) {
        return false;
    }
    out_port->p++;
    out_port->len--;
    for (size_t i = 0; i < out_port->len; i++) {
        if (out_port->p[i] < '0' || out_port->p[i] > '9') {
            return false;
        }
    }
    return true;
}

struct parsed {
    struct text scheme, host, port;
};

static struct text default_port(struct text scheme)
{
    if (same(scheme, text_of("https"))) {
        return text_of("443");
    }
    return same(scheme, text_of("http")) ? text_of("80") : text_of("");
}

static bool parse(struct text origin, struct parsed *out)
{
    size_t i = 0;

    while (i < origin.len && (is_name_char(origin.p[i]) || origin.p[i] == '+')) {
        i++;
    }
    if (i == 0 || origin.len > ORIGIN_MAX || origin.len - i < 4 || memcmp(origin.p + i, "://", 3) != 0) {
        return false;
    }
    out->scheme = (struct text){.p = origin.p, .len = i};
    if (!split_port((struct text){.p = origin.p + i + 3, .len = origin.len - i - 3}, &out->host, &out->port)) {
        return false;
    }
    if (out->port.len == 0) {
        out->port = default_port(out->scheme);
    }
    return true;
}

/* What follows the star of a word that has one in front of its host (scheme, ://, *.domain); otherwise empty. */
static struct text below_of(struct text word, struct text *out_scheme)
{
    for (size_t i = 0; i + 5 < word.len; i++) {
        if (memcmp(word.p + i, "://*.", 5) == 0) {
            *out_scheme = (struct text){.p = word.p, .len = i};
            return (struct text){.p = word.p + i + 4, .len = word.len - i - 4};
        }
    }
    return (struct text){.p = word.p, .len = 0};
}

static bool word_ok(struct text word)
{
    struct text scheme, host, port;
    struct parsed whole;
    struct text below = below_of(word, &scheme);

    if (word.len > ORIGIN_MAX) {
        return false;
    }
    if (below.len > 0) {
        return scheme.len > 0 && memchr(scheme.p, '*', scheme.len) == NULL && split_port(below, &host, &port);
    }
    return same(word, text_of("*")) || same(word, text_of("same")) || parse(word, &whole);
}

bool origin_list_ok(const char *list, size_t *out_at, size_t *out_len)
{
    size_t at = 0;

    for (struct text word = next_word(list, &at); word.len > 0; word = next_word(list, &at)) {
        if (!word_ok(word)) {
            *out_at = (size_t)(word.p - list);
            *out_len = word.len;
            return false;
        }
    }
    return true;
}

/* The scheme is left out: who ends TLS before us shows us plain HTTP, while the page has https. */
static bool is_same_host(const struct parsed *origin, const char *host)
{
    struct text name, port;

    if (!split_port(text_of(host), &name, &port)) {
        return false;
    }
    return same(origin->host, name) && same(origin->port, port.len > 0 ? port : default_port(origin->scheme));
}

static bool is_below(struct text word, const struct parsed *origin)
{
    struct text scheme, domain, port;
    struct text below = below_of(word, &scheme);

    if (below.len == 0 || !split_port(below, &domain, &port) || origin->host.len <= domain.len) {
        return false;
    }
    struct text tail = {.p = origin->host.p + origin->host.len - domain.len, .len = domain.len};
    return same(scheme, origin->scheme) && same(domain, tail) && same(port.len > 0 ? port : default_port(scheme), origin->port);
}

static bool is_that(struct text word, const struct parsed *origin)
{
    struct parsed w;

    return parse(word, &w) && same(w.scheme, origin->scheme) && same(w.host, origin->host) && same(w.port, origin->port);
}

bool origin_allowed(const char *list, const char *origin, const char *host)
{
    struct parsed o;
    bool parses = parse(text_of(origin), &o);
    size_t at = 0;

    for (struct text word = next_word(list, &at); word.len > 0; word = next_word(list, &at)) {
        if (same(word, text_of("*"))) {
            return true; /* "null", the origin of a sandboxed page or a file, included */
        }
        if (!parses) {
            continue;
        }
        if (same(word, text_of("same")) ? is_same_host(&o, host) : is_below(word, &o) || is_that(word, &o)) {
            return true;
        }
    }
    return false;
}
