#include "edge-relay/net/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "edge-relay/core/confline.h"
#include "edge-relay/net/config_table.h"
#include "edge-relay/net/tls.h"

#define FILE_BYTES_MAX 65536

/* `where` names file and line, or the argument. */
static bool set_option(const char *where, const char *name, size_t name_len, const char *value, size_t value_len, struct config *c,
                       char out_error[CONFIG_ERROR_MAX])
{
    const struct option_row *o = option_row_find(name, name_len);
    char text[CONFIG_TEXT_MAX];
    const char *why = "the value is too long";

    if (o == NULL) {
        (void)snprintf(out_error, CONFIG_ERROR_MAX, "%s: there is no option \"%.*s\"; see --help", where, (int)(name_len < 64 ? name_len : 64), name);
        return false;
    }
    if (value_len < sizeof text) {
        memcpy(text, value, value_len);
        text[value_len] = '\0';
        why = option_row_set(o, text, c);
    }
    if (why != NULL) {
        (void)snprintf(out_error, CONFIG_ERROR_MAX, "%s: option %s: \"%.*s\": %s", where, o->name, (int)(value_len < 64 ? value_len : 64), value,
                       why);
        return false;
    }
    return true;
}

static bool load_line(const char *where, const char *line, size_t len, struct config *c, char out_error[CONFIG_ERROR_MAX])
{
    struct confline parsed;

    switch (confline_parse(line, len, &parsed)) {
    case CONFLINE_EMPTY:
        return true;
    case CONFLINE_OPTION:
        return set_option(where, parsed.name, parsed.name_len, parsed.value, parsed.value_len, c, out_error);
    case CONFLINE_BAD_NAME:
        (void)snprintf(out_error, CONFIG_ERROR_MAX, "%s: the line does not start with the name of an option", where);
        return false;
    case CONFLINE_BAD_BYTE:
        (void)snprintf(out_error, CONFIG_ERROR_MAX, "%s: a control character is in the line", where);
        return false;
    }
    return false;
}

static bool load_lines(const char *file, const char *text, size_t len, struct config *c, char out_error[CONFIG_ERROR_MAX])
{
    unsigned number = 0;

    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end == NULL ? len - at : (size_t)(end - text) - at;
        char where[300];

        (void)snprintf(where, sizeof where, "%.255s:%u", file, ++number); /* cut off rather than left out */
        if (!load_line(where, text + at, line_len, c, out_error)) {
            return false;
        }
        at += line_len + 1;
    }
    return true;
}

static bool load_file(const char *file, struct config *c, char out_error[CONFIG_ERROR_MAX])
{
    FILE *f = fopen(file, "re");
    char *own_text = malloc(FILE_BYTES_MAX + 1);
    bool ok = false;

    if (f == NULL || own_text == NULL) {
        (void)snprintf(out_error, CONFIG_ERROR_MAX, "%.255s: %s", file, strerror(errno));
    } else {
        size_t len = fread(own_text, 1, FILE_BYTES_MAX + 1, f);

        if (ferror(f)) {
            (void)snprintf(out_error, CONFIG_ERROR_MAX, "%.255s: %s", file, strerror(errno));
        } else if (len > FILE_BYTES_MAX) {
            (void)snprintf(out_error, CONFIG_ERROR_MAX, "%.255s: the file is longer than %d bytes", file, FILE_BYTES_MAX);
        } else {
            ok = load_lines(file, own_text, len, c, out_error);
        }
    }
    free(own_text);
    if (f != NULL) {
        (void)fclose(f); /* only read */
    }
    return ok;
}

static bool load_override(const char *argument, struct config *c, char out_error[CONFIG_ERROR_MAX])
{
    const char *equals = strchr(argument, '=');
    char where[128];

    (void)snprintf(where, sizeof where, "-o %.64s", argument);
    if (equals == NULL) {
        (void)snprintf(out_error, CONFIG_ERROR_MAX, "%s: name=value is expected", where);
        return false;
    }
    return set_option(where, argument, (size_t)(equals - argument), equals + 1, strlen(equals + 1), c, out_error);
}

bool config_load(const struct config_source *source, struct config *c, char out_error[CONFIG_ERROR_MAX])
{
    static struct config next; /* some kilobytes; there is one thread */

    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *o = &option_rows[i];
        if (!set_option("built in", o->name, strlen(o->name), o->preset, strlen(o->preset), &next, out_error)) {
            return false;
        }
    }
    if (source->file != NULL && !load_file(source->file, &next, out_error)) {
        return false;
    }
    for (size_t i = 0; i < source->override_count; i++) {
        if (!load_override(source->overrides[i], &next, out_error)) {
            return false;
        }
    }
    *c = next;
    return true;
}

/* NULL: they go together. Half a pair must not end in a trunk that is open, or in one without the certificate that was meant. */
static const char *trunk_options_wrong(const struct config *c)
{
    bool psk = c->hub_psk_file.text[0] != '\0';
    bool ca = c->hub_ca_file.text[0] != '\0';

    if (c->relay.text[0] != '\0' && (c->hub.text[0] == '\0' || c->site.text[0] == '\0')) {
        return "option relay: it needs hub and site";
    }
    if (psk != (c->hub_psk_identity.text[0] != '\0')) {
        return psk ? "option hub_psk_file: it needs hub_psk_identity" : "option hub_psk_identity: it needs hub_psk_file";
    }
    if ((c->hub_cert_file.text[0] != '\0') != (c->hub_key_file.text[0] != '\0')) {
        return "options hub_cert_file and hub_key_file: one needs the other";
    }
    if (c->hub_cert_file.text[0] != '\0' && !ca) {
        return "option hub_cert_file: it needs hub_ca_file";
    }
    return psk && ca ? "options hub_psk_file and hub_ca_file: TLS is by a key or by certificates, not by both" : NULL;
}

bool config_check(const struct config *c, char out_error[CONFIG_ERROR_MAX])
{
    struct stat st;
    const char *why = NULL;

    if (c->listen.text[0] == '\0' && c->listen_tls.text[0] == '\0') {
        (void)snprintf(out_error, CONFIG_ERROR_MAX, "options listen and listen_tls are both off: nobody could connect");
        return false;
    }
    if (c->listen_tls.text[0] != '\0') {
        if (c->cert_file.text[0] == '\0' || c->key_file.text[0] == '\0') {
            (void)snprintf(out_error, CONFIG_ERROR_MAX, "option listen_tls: it needs cert_file and key_file");
            return false;
        }
        why = tls_check_files(c->cert_file.text, c->key_file.text);
        if (why != NULL) {
            (void)snprintf(out_error, CONFIG_ERROR_MAX, "options cert_file and key_file: %.128s, %.128s: %s", c->cert_file.text, c->key_file.text,
                           why);
            return false;
        }
    }
    why = trunk_options_wrong(c);
    if (why != NULL) {
        (void)snprintf(out_error, CONFIG_ERROR_MAX, "%s", why);
        return false;
    }
    if (c->www.text[0] != '\0' && (stat(c->www.text, &st) != 0 || !S_ISDIR(st.st_mode))) {
        (void)snprintf(out_error, CONFIG_ERROR_MAX, "option www: %.255s: it is not a folder that can be read", c->www.text);
        return false;
    }
    return true;
}
