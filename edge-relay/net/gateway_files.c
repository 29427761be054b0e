/* The web console's files. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "edge-relay/core/webpath.h"
#include "edge-relay/net/gateway_parts.h"

static int not_found(struct client *c)
{
    return http_answer(c, 404, "", "text/plain; charset=utf-8", "There is no such file.\n");
}

/* By size and time of the file: the same after a restart, another after a new build. */
static void print_etag(const struct stat *st, char *out, size_t cap)
{
    (void)snprintf(out, cap, "\"%" PRIx64 "-%" PRIx64 "%08lx\"", (uint64_t)st->st_size, (uint64_t)st->st_mtim.tv_sec,
                   (unsigned long)st->st_mtim.tv_nsec);
}

int files_serve(struct client *c, const char *path, size_t len)
{
    char file[WEBPATH_MAX], etag[64], known[256], headers[1024];
    char full[CONFIG_TEXT_MAX + WEBPATH_MAX + 2];
    struct stat st;

    if (!webpath_file(path, len, file)) {
        return not_found(c);
    }
    (void)snprintf(full, sizeof full, "%s/%s", c->g->config.www.text, file); /* both have their limits */
    if (stat(full, &st) != 0 || !S_ISREG(st.st_mode)) {
        return not_found(c);
    }
    print_etag(&st, etag, sizeof etag);
    int n = snprintf(headers, sizeof headers, "ETag: %s\r\nCache-Control: %s\r\n", etag,
                     webpath_is_hashed(file) ? "public, max-age=31536000, immutable" : "no-cache");
    if (lws_hdr_copy(c->wsi, known, sizeof known, WSI_TOKEN_HTTP_IF_NONE_MATCH) > 0 && strstr(known, etag) != NULL) {
        return http_answer(c, 304, headers, "", "");
    }
    n += snprintf(headers + n, sizeof headers - (size_t)n, "%s", http_security_headers);
    int served = lws_serve_http_file(c->wsi, full, webpath_media_type(file), headers, n);
    if (served < 0 || (served > 0 && lws_http_transaction_completed(c->wsi))) {
        return -1;
    }
    return 0; /* LWS_CALLBACK_HTTP_FILE_COMPLETION follows */
}
