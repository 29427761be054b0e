#include "plugin/mosq/broker_conf.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <strings.h>

#define PATH_BYTES 4096
#define LINE_BYTES 4096 /* of a longer line only the beginning is looked at */
#define DEPTH_MAX 8     /* include_dir within include_dir */

struct reading {
    struct broker_conf conf;
    unsigned depth;
    char *why;
    size_t why_cap;
};

static enum fp_err read_file(struct reading *r, const char *path);

bool broker_conf_path(struct fp_bytes cmdline, char *out_path, size_t cap)
{
    const char *p = (const char *)cmdline.p;
    size_t left = cmdline.len;
    bool next_is_it = false, found = false;

    while (left > 0) {
        size_t len = strnlen(p, left);
        if (next_is_it && len > 0 && len < cap && len < left) {
            memcpy(out_path, p, len + 1); /* the last one counts, as for the broker */
            found = true;
        }
        next_is_it = !next_is_it && ((len == 2 && memcmp(p, "-c", 2) == 0) || (len == 13 && memcmp(p, "--config-file", 13) == 0));
        size_t step = len < left ? len + 1 : left;
        p += step;
        left -= step;
    }
    return found;
}

static enum fp_err unknown(struct reading *r, const char *what, const char *path)
{
    (void)snprintf(r->why, r->why_cap, "%s: %s: %s", path, what, strerror(errno)); /* cut off rather than left out */
    return FP_EUNKNOWN;
}

static bool is_conf(const char *name)
{
    size_t len = strlen(name);
    return len > 5 && strcmp(name + len - 5, ".conf") == 0;
}

static enum fp_err read_dir(struct reading *r, const char *path)
{
    char file[PATH_BYTES];
    enum fp_err err = FP_OK;
    DIR *dir = opendir(path);

    if (dir == NULL) {
        return unknown(r, "cannot be opened", path);
    }
    for (struct dirent *entry = readdir(dir); entry != NULL && !err; entry = readdir(dir)) {
        if (!is_conf(entry->d_name)) {
            continue;
        }
        int len = snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        errno = ENAMETOOLONG;
        err = len > 0 && (size_t)len < sizeof file ? read_file(r, file) : unknown(r, "cannot be opened", path);
    }
    (void)closedir(dir); /* only read from */
    return err;
}

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strcmp(word, *words) == 0) {
            return true;
        }
    }
    return false;
}

/* The broker takes true, in any case, and 1. */
static bool is_true(const char *value)
{
    return strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0;
}

/* Words are separated by spaces; a line that begins with # is a comment. Cuts the line up. */
static enum fp_err read_line(struct reading *r, char *line)
{
    static const char *const plugins[] = {"plugin", "global_plugin", "auth_plugin", NULL};
    char *word = line + strspn(line, " ");

    word[strcspn(word, "\r\n")] = '\0';
    char *value = word + strcspn(word, " ");
    if (*value != '\0') {
        *value++ = '\0';
        value += strspn(value, " ");
    }
    for (size_t len = strlen(value); len > 0 && value[len - 1] == ' '; len--) {
        value[len - 1] = '\0';
    }
    if (strcmp(word, "acl_file") == 0) {
        r->conf.acl_file = true;
    } else if (strcmp(word, "per_listener_settings") == 0) {
        r->conf.per_listener_settings = is_true(value);
    } else if (is_one_of(word, plugins)) {
        r->conf.plugins++;
    } else if (strcmp(word, "include_dir") == 0) {
        return read_dir(r, value);
    }
    return FP_OK;
}

static enum fp_err read_lines(struct reading *r, FILE *f, const char *path)
{
    char line[LINE_BYTES];
    bool inside = false; /* of a line whose beginning we have seen */
    enum fp_err err = FP_OK;

    while (!err && fgets(line, sizeof line, f) != NULL) {
        bool ends = strchr(line, '\n') != NULL;
        if (!inside) {
            err = read_line(r, line);
        }
        inside = !ends;
    }
    return !err && ferror(f) ? unknown(r, "cannot be read", path) : err;
}

static enum fp_err read_file(struct reading *r, const char *path)
{
    if (r->depth == DEPTH_MAX) {
        errno = ELOOP;
        return unknown(r, "too deep", path);
    }
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return unknown(r, "cannot be opened", path);
    }
    r->depth++;
    enum fp_err err = read_lines(r, f, path);
    r->depth--;
    (void)fclose(f); /* only read from */
    return err;
}

enum fp_err broker_conf_read(const char *path, struct broker_conf *out, char *out_why, size_t why_cap)
{
    struct reading r = {.why = out_why, .why_cap = why_cap};
    enum fp_err err = read_file(&r, path);

    if (!err) {
        *out = r.conf;
    }
    return err;
}

enum fp_err broker_conf_own(struct broker_conf *out, char *out_why, size_t why_cap)
{
    char cmdline[PATH_BYTES * 2];
    char path[PATH_BYTES];
    FILE *f = fopen("/proc/self/cmdline", "re");
    size_t len = f ? fread(cmdline, 1, sizeof cmdline, f) : 0;

    if (f != NULL) {
        (void)fclose(f); /* only read from */
    }
    if (!broker_conf_path(fp_bytes_of(cmdline, len), path, sizeof path)) {
        (void)snprintf(out_why, why_cap, "the broker's command line names no configuration file");
        return FP_EUNKNOWN;
    }
    return broker_conf_read(path, out, out_why, why_cap);
}
