/*
 * A line of the configuration names only bytes of itself; an origin that parses is allowed by the list that names it; a path of the web
 * never leaves the folder.
 */
#include "tests/fuzz/fuzz.h"

#include "edge-relay/core/confline.h"
#include "edge-relay/core/origin.h"
#include "edge-relay/core/webpath.h"

static void try_line(const char *text, size_t len)
{
    struct confline c;
    struct fp_bytes whole = fp_bytes_of(text, len);

    if (confline_parse(text, len, &c) == CONFLINE_OPTION) {
        FUZZ_NEED(c.name_len > 0);
        FUZZ_NEED(fuzz_is_within(fp_bytes_of(c.name, c.name_len), whole) && fuzz_is_within(fp_bytes_of(c.value, c.value_len), whole));
        FUZZ_NEED(memchr(c.value, '\n', c.value_len) == NULL && memchr(c.value, '\0', c.value_len) == NULL);
        FUZZ_NEED(c.value_len == 0 || (c.value[0] != ' ' && c.value[c.value_len - 1] != ' '));
    }
}

/* Three texts, up to the first two newlines: list, origin, host. */
static void try_origin(const char *text, size_t len)
{
    char *list = malloc(len + 3);
    size_t at = 0, bad = 0;

    FUZZ_NEED(list != NULL);
    memcpy(list, text, len);
    memcpy(list + len, "\n\n", 3);
    char *origin = memchr(list, '\n', len + 1);
    *origin++ = '\0';
    char *host = memchr(origin, '\n', len + 2 - (size_t)(origin - list));
    *host++ = '\0';
    if (!origin_list_ok(list, &at, &bad)) {
        FUZZ_NEED(bad > 0 && at + bad <= strlen(list));
    }
    (void)origin_allowed(list, origin, host);
    FUZZ_NEED(!origin_allowed("", origin, host));
    bool plain = strpbrk(origin, " \t,*") == NULL && strstr(origin, "://") != NULL;
    if (plain) {
        FUZZ_NEED(origin_allowed(origin, origin, host) == origin_list_ok(origin, &at, &bad));
    }
    free(list);
}

static void try_path(const char *text, size_t len)
{
    char file[WEBPATH_MAX];

    if (webpath_file(text, len, file)) {
        FUZZ_NEED(memchr(file, '\0', sizeof file) != NULL && file[0] != '/' && file[0] != '.' && file[0] != '\0');
        FUZZ_NEED(strstr(file, "/.") == NULL && strstr(file, "//") == NULL && strpbrk(file, "\\%:") == NULL);
        FUZZ_NEED(webpath_media_type(file) != NULL);
        (void)webpath_is_hashed(file);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;

    try_line(text, size);
    try_origin(text, size);
    try_path(text, size);
    return 0;
}
