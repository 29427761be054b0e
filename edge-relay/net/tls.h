/*
 * tls.h: certificate and key of the TLS listener. libwebsockets makes the context; here files are checked, and read again on SIGHUP.
 */
#ifndef EDGE_RELAY_NET_TLS_H
#define EDGE_RELAY_NET_TLS_H

struct ssl_ctx_st;

/* NULL, or why these files cannot serve. */
const char *tls_check_files(const char *cert_file, const char *key_file);
/* Puts the files into a context that is in use; connections that stand keep what they have. NULL, or why nothing has changed. */
const char *tls_reload(struct ssl_ctx_st *ctx, const char *cert_file, const char *key_file);

#endif
