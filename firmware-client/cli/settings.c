#include "firmware-client/cli/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static const struct {
    const char *name;
    const char *env;
    const char *builtin;
    bool flag; /* may come by flag */
    bool file; /* may come from the file */
} table[SET_COUNT] = {
    [SET_HOST] = {"host", "FIELDPOST_HOST", "localhost", true, true},
    [SET_PORT] = {"port", "FIELDPOST_PORT", NULL, true, true},
    [SET_USER] = {"user", "FIELDPOST_USER", NULL, true, true},
    [SET_DEVICE] = {"device", "FIELDPOST_DEVICE", NULL, true, true},
    [SET_PASSWORD] = {"password", "FIELDPOST_PASSWORD", NULL, false, true},
    [SET_PASSWORD_FILE] = {"password-file", NULL, NULL, true, true},
    [SET_STATE] = {"state", "FIELDPOST_STATE", NULL, true, true},
    [SET_CONFIG] = {"config", "FIELDPOST_CONFIG", NULL, true, false},
    [SET_TLS] = {"tls", NULL, NULL, true, true},
    [SET_CAFILE] = {"cafile", NULL, NULL, true, true},
    [SET_CERT] = {"cert", NULL, NULL, true, true},
    [SET_KEY] = {"key", NULL, NULL, true, true},
    [SET_PSK_IDENTITY] = {"psk-identity", NULL, NULL, true, true},
    [SET_PSK_FILE] = {"psk-file", NULL, NULL, true, true},
    [SET_TIMEOUT] = {"timeout", NULL, "10", true, true},
    [SET_JSON] = {"json", NULL, NULL, true, true},
    [SET_VERBOSE] = {"verbose", NULL, NULL, true, true},
};

static bool is_switch(enum setting which)
{
    return which == SET_TLS || which == SET_JSON || which == SET_VERBOSE;
}

/* NULL if the value is fine. */
static const char *wrong(enum setting which, const char *value)
{
    struct fp_id id;
    uint64_t number;
    if (is_switch(which)) {
        return strcmp(value, "yes") == 0 || strcmp(value, "no") == 0 ? NULL : "must be yes or no";
    }
    if (which == SET_PORT) {
        return args_number(value, &number) && number >= 1 && number <= 65535 ? NULL : "must be a number from 1 to 65535";
    }
    if (which == SET_TIMEOUT) {
        return args_number(value, &number) && number <= 86400 ? NULL : "must be whole seconds, at most 86400";
    }
    if (which == SET_USER || which == SET_DEVICE) {
        return fp_id_parse(value, strlen(value), &id) ? NULL : "must be 1 to 36 characters of A-Z a-z 0-9 . _ ~ -";
    }
    return *value ? NULL : "must not be empty";
}

static bool set(struct settings *s, enum setting which, const char *value, const char *where, struct str *why)
{
    if (s->value[which]) {
        return true; /* what came before goes before */
    }
    const char *complaint = wrong(which, value);
    if (complaint) {
        bool secret = which == SET_PASSWORD;
        str_format(why, "%s %s%s%s", where, complaint, secret ? "" : ", not ", secret ? "" : value);
        return false;
    }
    s->value[which] = str_keep(value);
    return true;
}

static bool from_flags(struct settings *s, const struct args *a, struct str *why)
{
    for (int i = 0; i < SET_COUNT; i++) {
        char where[32];
        const char *value = table[i].flag ? args_get(a, table[i].name) : NULL;
        (void)snprintf(where, sizeof where, "--%s", table[i].name);
        if (value && !set(s, (enum setting)i, is_switch((enum setting)i) ? "yes" : value, where, why)) {
            return false;
        }
    }
    return true;
}

static bool from_env(struct settings *s, settings_env_fn env, struct str *why)
{
    for (int i = 0; i < SET_COUNT; i++) {
        const char *value = table[i].env ? env(table[i].env) : NULL;
        if (value && *value && !set(s, (enum setting)i, value, table[i].env, why)) {
            return false;
        }
    }
    return true;
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r", text[len - 1])) {
        text[--len] = '\0';
    }
    return text;
}

static bool one_line(struct settings *s, char *line, const char *where, struct str *why)
{
    char *text = trim(line);
    if (!*text || *text == '#') {
        return true;
    }
    char *equals = strchr(text, '=');
    if (!equals) {
        str_format(why, "%s: this line is not \"name = value\"", where);
        return false;
    }
    *equals = '\0';
    const char *name = trim(text);
    for (int i = 0; i < SET_COUNT; i++) {
        if (table[i].file && strcmp(table[i].name, name) == 0) {
            struct str full = {0};
            str_format(&full, "%s: %s", where, name);
            bool fine = set(s, (enum setting)i, trim(equals + 1), str_get(&full), why);
            str_fini(&full);
            return fine;
        }
    }
    str_format(why, "%s: there is no option %s", where, name);
    return false;
}

bool settings_lines(struct settings *s, const char *path, const char *text, size_t len, struct str *why)
{
    bool fine = true;
    size_t number = 0;
    for (size_t at = 0; fine && at < len; number++) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end ? (size_t)(end - (text + at)) : len - at;
        struct str line = {0};
        struct str where = {0};
        str_add(&line, text + at, line_len);
        str_format(&where, "%s:%zu", path, number + 1);
        fine = one_line(s, line.p, str_get(&where), why);
        str_fini(&line);
        str_fini(&where);
        at += line_len + 1;
    }
    return fine;
}

bool settings_read_file(const char *path, struct str *out, unsigned *out_mode, struct str *why)
{
    struct stat about;
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &about) != 0) {
        str_format(why, "%s: %s", path, strerror(errno));
        if (file) {
            (void)fclose(file);
        }
        return false;
    }
    char buf[4096];
    size_t got;
    while (out->len <= 1048576 && (got = fread(buf, 1, sizeof buf, file)) > 0) {
        str_add(out, buf, got);
    }
    bool fine = !ferror(file) && out->len <= 1048576;
    (void)fclose(file); /* only read */
    if (!fine) {
        str_format(why, "%s: it cannot be read, or is longer than 1 MiB", path);
    }
    if (out_mode) {
        *out_mode = (unsigned)about.st_mode & 0777;
    }
    return fine;
}

static bool open_to_others(const char *path, unsigned mode, struct str *why)
{
    if ((mode & 07) == 0) {
        return false;
    }
    str_format(why, "%s holds a secret and everybody may read or write it (mode %04o): chmod o= %s", path, mode, path);
    return true;
}

bool settings_secret(const char *path, char **out, struct str *why)
{
    struct str text = {0};
    unsigned mode = 0;
    bool fine = settings_read_file(path, &text, &mode, why) && !open_to_others(path, mode, why);
    if (fine) {
        size_t len = strcspn(str_get(&text), "\r\n");
        fine = len > 0;
        if (fine) {
            text.p[len] = '\0';
            *out = str_keep(text.p);
        } else {
            str_format(why, "%s: the first line is empty, where the secret should be", path);
        }
    }
    str_fini(&text);
    return fine;
}

void settings_home(struct str *out, settings_env_fn env, const char *xdg, const char *fallback, const char *name)
{
    const char *base = env(xdg);
    const char *home = env("HOME");
    if (base && *base == '/') {
        str_format(out, "%s/%s", base, name);
    } else if (home && *home) {
        str_format(out, "%s/%s/%s", home, fallback, name);
    }
}

static bool from_file(struct settings *s, settings_env_fn env, struct str *why)
{
    struct str path = {0};
    struct str text = {0};
    struct stat about;
    unsigned mode = 0;
    bool usual = !s->value[SET_CONFIG];
    bool had_password = s->value[SET_PASSWORD] != NULL;
    if (usual) {
        settings_home(&path, env, "XDG_CONFIG_HOME", ".config", "fieldpost/client.conf");
    } else {
        str_text(&path, s->value[SET_CONFIG]);
    }
    bool fine = true;
    if (!usual || (path.len > 0 && stat(path.p, &about) == 0)) {
        char *other = s->value[SET_PASSWORD];
        s->value[SET_PASSWORD] = NULL; /* so that one in the file is noticed even when another goes before it */
        fine = settings_read_file(path.p, &text, &mode, why) && settings_lines(s, path.p, str_get(&text), text.len, why);
        fine = fine && !(s->value[SET_PASSWORD] && open_to_others(path.p, mode, why));
        if (had_password) {
            free(s->value[SET_PASSWORD]);
            s->value[SET_PASSWORD] = other;
        }
    }
    str_fini(&path);
    str_fini(&text);
    return fine;
}

static bool is_on(const struct settings *s, enum setting which)
{
    return s->value[which] && strcmp(s->value[which], "yes") == 0;
}

/* The numbers and switches, once all sources are read. */
static bool settle(struct settings *s, struct str *why)
{
    uint64_t number = 0;
    bool psk = s->value[SET_PSK_IDENTITY] || s->value[SET_PSK_FILE];
    s->json = is_on(s, SET_JSON);
    s->verbose = is_on(s, SET_VERBOSE);
    s->tls = is_on(s, SET_TLS) || psk || s->value[SET_CAFILE] || s->value[SET_CERT];
    if (psk && (!s->value[SET_PSK_IDENTITY] || !s->value[SET_PSK_FILE])) {
        str_text(why, "psk-identity and psk-file belong together");
        return false;
    }
    if (!s->value[SET_CERT] != !s->value[SET_KEY]) {
        str_text(why, "cert and key belong together");
        return false;
    }
    if (psk && (s->value[SET_CAFILE] || s->value[SET_CERT])) {
        str_text(why, "a pre-shared key and certificates exclude each other");
        return false;
    }
    (void)args_number(s->value[SET_TIMEOUT], &number); /* checked when it was set */
    s->timeout_ms = number * 1000;
    number = s->tls ? 8883 : 1883;
    if (s->value[SET_PORT]) {
        (void)args_number(s->value[SET_PORT], &number);
    }
    s->port = (uint16_t)number;
    return true;
}

bool settings_load(struct settings *s, const struct args *a, settings_env_fn env, struct str *why)
{
    *s = (struct settings){0};
    if (!from_flags(s, a, why) || !from_env(s, env, why) || !from_file(s, env, why)) {
        return false;
    }
    for (int i = 0; i < SET_COUNT; i++) {
        if (!s->value[i] && table[i].builtin) {
            s->value[i] = str_keep(table[i].builtin);
        }
    }
    return settle(s, why);
}

void settings_fini(struct settings *s)
{
    for (int i = 0; i < SET_COUNT; i++) {
        free(s->value[i]);
    }
    *s = (struct settings){0};
}

const char *settings_get(const struct settings *s, enum setting which)
{
    return s->value[which];
}
