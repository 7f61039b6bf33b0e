#include "chttpserver.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/abstract.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

struct chttp_worker {
  struct MHD_Daemon *daemon;
  chttp_callbacks callbacks;
  void *context;
};

static struct MHD_Connection *inner(chttp_connection *connection) { return (struct MHD_Connection *)connection; }

static chttp_connection *outer(struct MHD_Connection *connection) { return (chttp_connection *)connection; }

/* What is kept for a connection: libmicrohttpd's socket context. */
typedef struct visit {
  /* What `opened` returned. */
  void *client;
  /* Of the request that is coming in: its query, or NULL, and the first byte of that while it is hidden. */
  char *query;
  char first;
} visit;

/* NULL when memory ran out as the connection began. */
static visit *visit_on(struct MHD_Connection *connection) {
  return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/*
 * Has the query end where it begins, until `on_access`. libmicrohttpd, which comes here right before it takes the query
 * apart, would keep a record for each argument: where some hundreds do not fit into the connection's memory, it would
 * neither answer nor go on.
 */
static void *hide_query(void *cls, const char *target, struct MHD_Connection *connection) {
  (void)cls;
  visit *visit = visit_on(connection);
  if (visit == NULL) return NULL;
  char *mark = strchr(target, '?');
  visit->query = mark == NULL ? NULL : mark + 1;
  if (mark != NULL) {
    visit->first = *visit->query;
    *visit->query = '\0';
  }
  return NULL;
}

/* libmicrohttpd calls this once for the headers, for every piece of the body, and with no bytes at the end. */
static enum MHD_Result on_access(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                 const char *version, const char *bytes, size_t *count, void **request) {
  (void)version;
  const chttp_worker *worker = cls;
  bool go_on;
  if (*request == NULL) {
    const visit *visit = visit_on(connection);
    if (visit == NULL) return MHD_NO;
    if (visit->query != NULL) *visit->query = visit->first;
    *request =
        worker->callbacks.head(worker->context, visit->client, outer(connection), method, url, visit->query);
    go_on = *request != NULL;
  } else if (*count > 0) {
    go_on = worker->callbacks.body(worker->context, *request, bytes, *count);
    *count = 0;
  } else {
    go_on = worker->callbacks.complete(worker->context, *request);
  }
  return go_on ? MHD_YES : MHD_NO;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **request,
                         enum MHD_RequestTerminationCode code) {
  (void)connection;
  (void)code;
  const chttp_worker *worker = cls;
  if (*request == NULL) return;
  worker->callbacks.end(worker->context, *request);
  *request = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code) {
  const chttp_worker *worker = cls;
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    visit *visit = calloc(1, sizeof *visit);
    if (visit == NULL) return;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    visit->client = worker->callbacks.opened(worker->context, outer(connection), info->connect_fd);
    *socket_context = visit;
  } else {
    visit *visit = *socket_context;
    worker->callbacks.closed(worker->context, visit == NULL ? NULL : visit->client);
    free(visit);
  }
}

/* Paths stay as they were sent: once decoded, nobody could tell a slash in a name from one between names. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text) {
  (void)cls;
  (void)connection;
  return strlen(text);
}

/* What a session without chttp_tls_begin would show: nothing. */
static int no_certificate(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
                          const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **certificates,
                          unsigned *count, gnutls_privkey_t *key) {
  (void)session, (void)authorities, (void)authority_count, (void)algorithms, (void)algorithm_count;
  (void)certificates, (void)count, (void)key;
  return -1;
}

chttp_worker *chttp_worker_start(const chttp_worker_options *options, const chttp_callbacks *callbacks, void *context) {
  chttp_worker *worker = malloc(sizeof *worker);
  if (worker == NULL) return NULL;
  worker->callbacks = *callbacks;
  worker->context = context;
  const bool has_tls = options->tls_priorities != NULL;
  const struct MHD_OptionItem none = {MHD_OPTION_END, 0, NULL};
  struct MHD_OptionItem tls_options[] = {{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)options->tls_priorities},
                                         {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)no_certificate},
                                         none};
  if (!has_tls) tls_options[0] = none;
  worker->daemon = MHD_start_daemon(
      /* With epoll, libmicrohttpd calls a handshake that waits for its client again and again without a pause. */
      MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME |
          (has_tls ? MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_TLS : MHD_USE_EPOLL_INTERNAL_THREAD),
      0, NULL, NULL, on_access, worker, MHD_OPTION_ARRAY, tls_options, MHD_OPTION_CONNECTION_LIMIT, options->connection_limit,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, options->connection_memory, MHD_OPTION_NOTIFY_COMPLETED, on_completed, worker,
      MHD_OPTION_NOTIFY_CONNECTION, on_connection, worker, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
      MHD_OPTION_URI_LOG_CALLBACK, hide_query, NULL, MHD_OPTION_END);
  if (worker->daemon == NULL) {
    int reason = errno;
    free(worker);
    errno = reason;
    return NULL;
  }
  return worker;
}

void chttp_worker_stop(chttp_worker *worker) {
  MHD_stop_daemon(worker->daemon);
  free(worker);
}

bool chttp_worker_add(chttp_worker *worker, int socket, const chttp_address *address) {
  return MHD_add_connection(worker->daemon, socket, (const struct sockaddr *)address->bytes, address->length) ==
         MHD_YES;
}

/* `length` is a number, NOT_NAMED, or the constant that says what is wrong. */
typedef struct framing {
  int64_t length;
  bool chunked;
} framing;

enum { NOT_NAMED = -4 };

static bool is_header(const char *name, size_t size, const char *wanted) {
  return size == strlen(wanted) && strncasecmp(name, wanted, size) == 0;
}

/* The number, or the largest number when it does not fit, or -1 when it is none. */
static int64_t parse_length(const char *digits, size_t size) {
  if (size == 0) return -1;
  int64_t number = 0;
  for (size_t i = 0; i < size; i++) {
    if (digits[i] < '0' || digits[i] > '9') return -1;
    if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, digits[i] - '0', &number))
      number = INT64_MAX;
  }
  return number;
}

static enum MHD_Result on_framing_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_size,
                                         const char *value, size_t value_size) {
  (void)kind;
  framing *found = cls;
  if (is_header(name, name_size, MHD_HTTP_HEADER_CONTENT_LENGTH)) {
    int64_t length = parse_length(value, value_size);
    bool repeated = found->length != NOT_NAMED && found->length != length;
    found->length = length < 0 || repeated ? CHTTP_CONTRADICTORY : length;
  } else if (is_header(name, name_size, MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
    if (found->chunked || !is_header(value, value_size, "chunked")) {
      found->length = CHTTP_UNKNOWN_CODING;
      return MHD_NO;
    }
    found->chunked = true;
  }
  return found->length == CHTTP_CONTRADICTORY ? MHD_NO : MHD_YES;
}

int64_t chttp_content_length(chttp_connection *connection) {
  framing found = {.length = NOT_NAMED};
  MHD_get_connection_values_n(inner(connection), MHD_HEADER_KIND, on_framing_header, &found);
  if (found.length == CHTTP_CONTRADICTORY || found.length == CHTTP_UNKNOWN_CODING) return found.length;
  if (found.chunked) return found.length == NOT_NAMED ? CHTTP_CHUNKED : CHTTP_CONTRADICTORY;
  return found.length == NOT_NAMED ? 0 : found.length;
}

bool chttp_expects_continue(chttp_connection *connection) {
  const char *value = MHD_lookup_connection_value(inner(connection), MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT);
  return value != NULL && strcasecmp(value, "100-continue") == 0;
}

bool chttp_header(chttp_connection *connection, const char *name, size_t name_length, const char **value,
                  size_t *value_length) {
  return MHD_lookup_connection_value_n(inner(connection), MHD_HEADER_KIND, name, name_length, value, value_length) ==
             MHD_YES &&
         *value != NULL;
}

size_t chttp_head_size(chttp_connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(inner(connection), MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  return info == NULL ? 0 : info->header_size;
}

bool chttp_reply(chttp_connection *connection, unsigned status, chttp_response *response) {
  return MHD_queue_response(inner(connection), status, (struct MHD_Response *)response) == MHD_YES;
}

void chttp_suspend(chttp_connection *connection) { MHD_suspend_connection(inner(connection)); }

void chttp_resume(chttp_connection *connection) { MHD_resume_connection(inner(connection)); }

int chttp_keep_socket(chttp_connection *connection) {
  if (MHD_get_connection_info(inner(connection), MHD_CONNECTION_INFO_HTTP_STATUS) == NULL) return -1;
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(inner(connection), MHD_CONNECTION_INFO_CONNECTION_FD);
  return info == NULL ? -1 : fcntl(info->connect_fd, F_DUPFD_CLOEXEC, 0);
}

chttp_response *chttp_response_new(const void *body, size_t count) {
  return (chttp_response *)MHD_create_response_from_buffer(count, (void *)body,
                                                           count > 0 ? MHD_RESPMEM_MUST_COPY : MHD_RESPMEM_PERSISTENT);
}

bool chttp_response_add_header(chttp_response *response, const char *name, const char *value) {
  return MHD_add_response_header((struct MHD_Response *)response, name, value) == MHD_YES;
}

void chttp_response_free(chttp_response *response) { MHD_destroy_response((struct MHD_Response *)response); }

const char *chttp_reason(unsigned status) { return MHD_get_reason_phrase_for(status); }
