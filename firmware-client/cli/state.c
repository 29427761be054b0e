#include "firmware-client/cli/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static bool make_folders(char *path, struct str *why)
{
    for (char *p = path + 1;; p++) {
        if (*p != '/' && *p) {
            continue;
        }
        char was = *p;
        *p = '\0';
        bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
        int code = errno;
        *p = was;
        if (!made) {
            str_format(why, "%s: the folder cannot be made: %s", path, strerror(code));
            return false;
        }
        if (!was) {
            return true;
        }
    }
}

bool state_folder(const struct settings *s, settings_env_fn env, struct str *out, struct str *why)
{
    const char *host = settings_get(s, SET_HOST);
    const char *user = settings_get(s, SET_USER);
    str_clear(out);
    if (settings_get(s, SET_STATE)) {
        str_text(out, settings_get(s, SET_STATE));
    } else {
        settings_home(out, env, "XDG_STATE_HOME", ".local/state", "fieldpost-client");
        if (out->len == 0) {
            str_text(why, "there is no HOME to keep the outbox in: use --state or FIELDPOST_STATE");
            return false;
        }
        str_format(out, "/%s@", user);
        for (const char *p = host; *p; p++) {
            str_char(out, *p == '/' ? '_' : *p);
        }
        str_format(out, "_%u", (unsigned)s->port);
    }
    return make_folders(out->p, why);
}

static bool random_name(char *out, size_t cap, struct str *why)
{
    uint32_t number;
    if (getrandom(&number, sizeof number, 0) != sizeof number) {
        str_format(why, "no random numbers: %s", strerror(errno));
        return false;
    }
    (void)snprintf(out, cap, "cli-%08x", (unsigned)number);
    return true;
}

/* Another process may do the same at this moment: who links first has made the name, and both read it back. */
static bool make_device(const char *path, struct str *why)
{
    char name[16];
    struct str temporary = {0};
    str_format(&temporary, "%s.%ld", path, (long)getpid());
    if (!random_name(name, sizeof name, why)) {
        str_fini(&temporary);
        return false;
    }
    int fd = open(temporary.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t len = strlen(name);
    name[len] = '\n';
    bool written = fd >= 0 && write(fd, name, len + 1) == (ssize_t)len + 1 && fsync(fd) == 0;
    written = (fd < 0 || close(fd) == 0) && written;
    bool linked = written && (link(temporary.p, path) == 0 || errno == EEXIST);
    if (!linked) {
        str_format(why, "%s: the name of this device cannot be kept: %s", path, strerror(errno));
    }
    (void)unlink(temporary.p); /* a left-over does no harm */
    str_fini(&temporary);
    return linked;
}

bool state_device(const struct settings *s, const char *folder, struct str *out, struct str *why)
{
    struct str path = {0};
    struct str text = {0};
    struct fp_id id;
    str_clear(out);
    if (settings_get(s, SET_DEVICE)) {
        str_text(out, settings_get(s, SET_DEVICE));
        return true;
    }
    str_format(&path, "%s/device", folder);
    bool fine = (access(path.p, F_OK) == 0 || make_device(path.p, why)) && settings_read_file(path.p, &text, NULL, why);
    if (fine) {
        str_add(out, str_get(&text), strcspn(str_get(&text), "\r\n"));
        fine = fp_id_parse(str_get(out), out->len, &id);
        if (!fine) {
            str_format(why, "%s: the first line is no name of a device", path.p);
        }
    }
    str_fini(&path);
    str_fini(&text);
    return fine;
}
