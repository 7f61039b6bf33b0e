#include "chttptls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

/* ---- Credentials ---- */

struct chttp_credentials {
  gnutls_certificate_credentials_t inner;
  bool demands_certificate;
};

static gnutls_datum_t datum(chttp_pem pem) {
  return (gnutls_datum_t){.data = (unsigned char *)pem.bytes, .size = (unsigned)pem.count};
}

/* GnuTLS says of a certificate and its key together that something is wrong: here it is found out with which. */
static int check_certificates(chttp_pem pem) {
  const gnutls_datum_t data = datum(pem);
  gnutls_x509_crt_t *found = NULL;
  unsigned count = 0;
  int status = gnutls_x509_crt_list_import2(&found, &count, &data, GNUTLS_X509_FMT_PEM, 0);
  if (status < 0) return status;
  for (unsigned i = 0; i < count; i++) gnutls_x509_crt_deinit(found[i]);
  gnutls_free(found);
  return count > 0 ? 0 : GNUTLS_E_NO_CERTIFICATE_FOUND;
}

static int fill(chttp_credentials *credentials, chttp_pem certificate, chttp_pem key, chttp_pem authorities,
                chttp_credentials_fault *fault) {
  *fault = CHTTP_FAULTY_CERTIFICATE;
  int status = check_certificates(certificate);
  if (status < 0) return status;
  const gnutls_datum_t certificate_data = datum(certificate), key_data = datum(key), trusted = datum(authorities);
  status = gnutls_certificate_set_x509_key_mem2(credentials->inner, &certificate_data, &key_data, GNUTLS_X509_FMT_PEM,
                                                NULL, 0);
  *fault = status == GNUTLS_E_CERTIFICATE_KEY_MISMATCH ? CHTTP_MISMATCH : CHTTP_FAULTY_KEY;
  if (status < 0) return status;
  if (authorities.bytes == NULL) return 0;
  credentials->demands_certificate = true;
  *fault = CHTTP_FAULTY_AUTHORITIES;
  status = gnutls_certificate_set_x509_trust_mem(credentials->inner, &trusted, GNUTLS_X509_FMT_PEM);
  return status == 0 ? GNUTLS_E_NO_CERTIFICATE_FOUND : status;
}

chttp_credentials *chttp_credentials_new(chttp_pem certificate, chttp_pem key, chttp_pem authorities,
                                         chttp_credentials_fault *fault, const char **reason) {
  chttp_credentials *credentials = calloc(1, sizeof *credentials);
  *fault = CHTTP_FAULTY_CERTIFICATE;
  *reason = gnutls_strerror(GNUTLS_E_MEMORY_ERROR);
  if (credentials == NULL) return NULL;
  if (gnutls_certificate_allocate_credentials(&credentials->inner) < 0) {
    free(credentials);
    return NULL;
  }
  int status = fill(credentials, certificate, key, authorities, fault);
  if (status >= 0) return credentials;
  *reason = gnutls_strerror(status);
  chttp_credentials_free(credentials);
  return NULL;
}

void chttp_credentials_free(chttp_credentials *credentials) {
  gnutls_certificate_free_credentials(credentials->inner);
  free(credentials);
}

/* ---- Connections ---- */

/* What a client is told, by pointer and length at once. */
typedef struct message {
  const void *bytes;
  size_t count;
} message;

struct chttp_tls {
  gnutls_session_t session;
  int socket;
  message unencrypted;
  /* Written before `is_told`. */
  message last;
  atomic_bool is_told;
  atomic_int stage;
  _Atomic int64_t received;
};

static chttp_tls *of_session(gnutls_session_t session) {
  gnutls_transport_ptr_t in, out;
  gnutls_transport_get_ptr2(session, &in, &out);
  return in;
}

/* Whether a connection's first byte is a word's, such as `GET`, and none of a handshake. */
static bool is_unencrypted(unsigned char first) { return first >= 'A' && first <= 'z'; }

static ssize_t end_of_stream(chttp_tls *tls) {
  /* Both only once: a session that saw its end is not read again. */
  gnutls_record_send(tls->session, tls->last.bytes, tls->last.count);
  gnutls_alert_send(tls->session, GNUTLS_AL_WARNING, GNUTLS_A_CLOSE_NOTIFY);
  return 0;
}

/* GnuTLS reads through this, on the worker's thread. Reading and writing are independent of one another in a session, so
   that one may write from here. */
static ssize_t pull(gnutls_transport_ptr_t context, void *bytes, size_t limit) {
  chttp_tls *tls = context;
  if (atomic_load_explicit(&tls->is_told, memory_order_acquire)) return end_of_stream(tls);
  ssize_t count = recv(tls->socket, bytes, limit, MSG_DONTWAIT);
  if (count < 0) gnutls_transport_set_errno(tls->session, errno);
  if (count <= 0) return count;
  if (atomic_load_explicit(&tls->stage, memory_order_relaxed) == CHTTP_TLS_SILENT) {
    if (is_unencrypted(*(unsigned char *)bytes)) {
      chttp_tell(tls->socket, tls->unencrypted.bytes, tls->unencrypted.count);
      atomic_store_explicit(&tls->stage, CHTTP_TLS_UNENCRYPTED, memory_order_relaxed);
      return 0;
    }
    atomic_store_explicit(&tls->stage, CHTTP_TLS_SHAKING_HANDS, memory_order_relaxed);
  }
  atomic_fetch_add_explicit(&tls->received, count, memory_order_relaxed);
  return count;
}

static int on_finished(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                       const gnutls_datum_t *bytes) {
  (void)type;
  (void)when;
  (void)bytes;
  /* The client's comes last, or nearly so: what is left of the handshake then is the server's to send. */
  if (!incoming) return 0;
  chttp_tls *tls = of_session(session);
  atomic_store_explicit(&tls->received, 0, memory_order_relaxed);
  atomic_store_explicit(&tls->stage, CHTTP_TLS_ESTABLISHED, memory_order_release);
  return 0;
}

/* Whether the client's certificate is one that an authority gave to a client. Tells the client why not: nobody else would,
   and it would see nothing but the connection's end. */
static int verify(gnutls_session_t session) {
  gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT};
  unsigned faults = 0;
  int status = gnutls_certificate_verify_peers(session, &purpose, 1, &faults);
  if (status == 0 && faults == 0) return 0;
  gnutls_alert_description_t alert = GNUTLS_A_BAD_CERTIFICATE;
  if (status == GNUTLS_E_NO_CERTIFICATE_FOUND)
    alert = gnutls_protocol_get_version(session) == GNUTLS_TLS1_3 ? GNUTLS_A_CERTIFICATE_REQUIRED
                                                                  : GNUTLS_A_HANDSHAKE_FAILURE;
  else if (faults & GNUTLS_CERT_EXPIRED)
    alert = GNUTLS_A_CERTIFICATE_EXPIRED;
  else if (faults & (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA))
    alert = GNUTLS_A_UNKNOWN_CA;
  gnutls_alert_send(session, GNUTLS_AL_FATAL, alert);
  return GNUTLS_E_CERTIFICATE_ERROR;
}

chttp_tls *chttp_tls_begin(chttp_connection *connection, const chttp_credentials *credentials, const void *unencrypted,
                           size_t count) {
  struct MHD_Connection *inner = (struct MHD_Connection *)connection;
  gnutls_session_t session = MHD_get_connection_info(inner, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
  int socket = MHD_get_connection_info(inner, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  chttp_tls *tls = calloc(1, sizeof *tls);
  if (tls == NULL || gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials->inner) < 0) {
    free(tls);
    return NULL;
  }
  tls->session = session;
  tls->socket = socket;
  tls->unencrypted = (message){unencrypted, count};
  gnutls_transport_set_ptr2(session, tls, (gnutls_transport_ptr_t)(intptr_t)socket);
  gnutls_transport_set_pull_function(session, pull);
  gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST, on_finished);
  if (credentials->demands_certificate) {
    /* Requested, not required: `verify` is asked in either case, and knows what to tell. */
    gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
    gnutls_session_set_verify_function(session, verify);
  }
  return tls;
}

void chttp_tls_free(chttp_tls *tls) { free(tls); }

chttp_tls_stage chttp_tls_get_stage(const chttp_tls *tls) {
  return (chttp_tls_stage)atomic_load_explicit(&tls->stage, memory_order_acquire);
}

int64_t chttp_tls_received(const chttp_tls *tls) { return atomic_load_explicit(&tls->received, memory_order_relaxed); }

void chttp_tls_tell(chttp_tls *tls, const void *bytes, size_t count) {
  tls->last = (message){bytes, count};
  atomic_store_explicit(&tls->is_told, true, memory_order_release);
  /* Wakes the worker, which reads and comes to `pull`. What the client still sends is taken by the kernel. */
  shutdown(tls->socket, SHUT_RD);
}
