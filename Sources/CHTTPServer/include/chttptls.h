/*
 * TLS on the connections of a worker: what GnuTLS is told about each session that libmicrohttpd makes.
 *
 * libmicrohttpd runs the handshakes, reads and writes. It has one certificate for good, though, asks clients for theirs
 * without insisting, and tells nobody how far a session has come. All that is set for each session here, before its
 * handshake.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chttpserver.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What a server shows, and whom it trusts: immutable, shareable by any number of sessions and threads ---- */

typedef struct chttp_credentials chttp_credentials;

typedef struct chttp_pem {
  const void *bytes;
  size_t count;
} chttp_pem;

/* Which of the parts is wrong. */
typedef enum chttp_credentials_fault {
  CHTTP_FAULTY_CERTIFICATE,
  CHTTP_FAULTY_KEY,
  /* The key is another one than the certificate's. */
  CHTTP_MISMATCH,
  CHTTP_FAULTY_AUTHORITIES,
} chttp_credentials_fault;

/*
 * Reads a certificate with those behind it, its key, and the authorities that clients must be certified by; without
 * those (NULL bytes) clients need no certificate. Returns NULL and stores what is wrong and a reason that lives for ever.
 */
chttp_credentials *chttp_credentials_new(chttp_pem certificate, chttp_pem key, chttp_pem authorities,
                                         chttp_credentials_fault *fault, const char **reason);
/* No session may use them any more. */
void chttp_credentials_free(chttp_credentials *credentials);

/* ---- One connection's TLS ---- */

typedef struct chttp_tls chttp_tls;

/*
 * To be called in `opened` of a worker that speaks TLS. `credentials` and `unencrypted`, which is sent to a client that
 * speaks HTTP without TLS, stay until `closed`; what is returned may be freed after that. NULL when memory ran out.
 */
chttp_tls *chttp_tls_begin(chttp_connection *connection, const chttp_credentials *credentials, const void *unencrypted,
                           size_t count);
void chttp_tls_free(chttp_tls *tls);

/* How far it has come. From any thread. */
typedef enum chttp_tls_stage {
  /* Nothing has come from the client. */
  CHTTP_TLS_SILENT,
  CHTTP_TLS_SHAKING_HANDS,
  /* The client spoke HTTP, and was told so. */
  CHTTP_TLS_UNENCRYPTED,
  CHTTP_TLS_ESTABLISHED,
} chttp_tls_stage;
chttp_tls_stage chttp_tls_get_stage(const chttp_tls *tls);

/* Bytes that have come in the handshake or, once the session is established, since. From any thread. */
int64_t chttp_tls_received(const chttp_tls *tls);

/*
 * Has the connection's worker send these bytes, as far as there is room for them, and end the connection. They stay until
 * `closed`. From any thread, once, before `closed`.
 */
void chttp_tls_tell(chttp_tls *tls, const void *bytes, size_t count);

#ifdef __cplusplus
}
#endif
