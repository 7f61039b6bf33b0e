// asprintf
#define _GNU_SOURCE 1

#include "ccurl.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

_Static_assert(LIBCURL_VERSION_NUM >= 0x075700, "CURLOPT_QUICK_EXIT came with 7.87");

struct ccurl_transfer {
  CURL *easy;
  struct curl_slist *headers;
  struct curl_slist *connect_to;
  ccurl_rewind rewind;
  void *context;
  int unacknowledged_limit;
  ccurl_way way;
  bool lacked_connection;
  char error[CURL_ERROR_SIZE];
};

bool ccurl_initialize(void) { return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK; }

// URLs

ccurl_url ccurl_url_parse(const char *text) {
  ccurl_url parts = {0};
  CURLU *url = curl_url();
  CURLUcode code = url ? curl_url_set(url, CURLUPART_URL, text, 0) : CURLUE_OUT_OF_MEMORY;
  if (code == CURLUE_OK) code = curl_url_get(url, CURLUPART_SCHEME, &parts.scheme, 0);
  if (code == CURLUE_OK) code = curl_url_get(url, CURLUPART_HOST, &parts.host, 0);
  if (code == CURLUE_OK) code = curl_url_get(url, CURLUPART_PORT, &parts.port, CURLU_DEFAULT_PORT);
  if (code == CURLUE_OK && strcmp(parts.scheme, "http") != 0 && strcmp(parts.scheme, "https") != 0)
    parts.error = "neither http nor https";
  else if (code == CURLUE_OK && *parts.host == 0)
    parts.error = "no host";
  else if (code != CURLUE_OK)
    parts.error = curl_url_strerror(code);
  curl_url_cleanup(url);
  return parts;
}

void ccurl_url_free(ccurl_url *url) {
  curl_free(url->scheme);
  curl_free(url->host);
  curl_free(url->port);
  memset(url, 0, sizeof *url);
}

// The multi handle: `ccurl_multi` is libcurl's own, under a name that Swift can tell from others.

ccurl_multi *ccurl_multi_create(long connections) {
  CURLM *multi = curl_multi_init();
  if (multi) curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, connections);
  return (ccurl_multi *)multi;
}

void ccurl_multi_destroy(ccurl_multi *multi) { curl_multi_cleanup((CURLM *)multi); }

static const char *multi_error(CURLMcode code) { return code == CURLM_OK ? NULL : curl_multi_strerror(code); }

const char *ccurl_multi_add(ccurl_multi *multi, ccurl_transfer *transfer) {
  return multi_error(curl_multi_add_handle((CURLM *)multi, transfer->easy));
}

void ccurl_multi_remove(ccurl_multi *multi, ccurl_transfer *transfer) {
  curl_multi_remove_handle((CURLM *)multi, transfer->easy);
}

const char *ccurl_multi_perform(ccurl_multi *multi) {
  int running = 0;
  return multi_error(curl_multi_perform((CURLM *)multi, &running));
}

ccurl_transfer *ccurl_multi_next_ended(ccurl_multi *multi, int *result) {
  int left = 0;
  CURLMsg *message;
  while ((message = curl_multi_info_read((CURLM *)multi, &left))) {
    if (message->msg != CURLMSG_DONE) continue;
    char *transfer = NULL;
    *result = (int)message->data.result;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    return (ccurl_transfer *)transfer;
  }
  return NULL;
}

void ccurl_multi_poll(ccurl_multi *multi, int milliseconds) {
  curl_multi_poll((CURLM *)multi, NULL, 0, milliseconds, NULL);
}

void ccurl_multi_wake(ccurl_multi *multi) { curl_multi_wakeup((CURLM *)multi); }

// Transfers

static int seek(void *context, curl_off_t offset, int origin) {
  ccurl_transfer *transfer = context;
  if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  return transfer->rewind(transfer->context, offset) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

ccurl_transfer *ccurl_transfer_create(void) {
  ccurl_transfer *transfer = calloc(1, sizeof *transfer);
  if (!transfer) return NULL;
  transfer->easy = curl_easy_init();
  if (transfer->easy) return transfer;
  free(transfer);
  return NULL;
}

static void forget_lists(ccurl_transfer *transfer) {
  curl_slist_free_all(transfer->headers);
  curl_slist_free_all(transfer->connect_to);
  transfer->headers = transfer->connect_to = NULL;
}

void ccurl_transfer_destroy(ccurl_transfer *transfer) {
  if (!transfer) return;
  curl_easy_cleanup(transfer->easy);
  forget_lists(transfer);
  free(transfer);
}

static bool append(struct curl_slist **list, const char *text) {
  struct curl_slist *longer = curl_slist_append(*list, text);
  if (longer) *list = longer;
  return longer != NULL;
}

static bool append_host(ccurl_transfer *transfer, const char *host, const char *port) {
  char *line = NULL;
  if (asprintf(&line, "Host: %s%s%s", host, port ? ":" : "", port ? port : "") < 0) return false;
  bool done = append(&transfer->headers, line);
  free(line);
  return done;
}

// libcurl takes the name for TLS from the URL alone. So the URL gets the other name, and the connection and the Host
// header get the true one.
static CURLcode set_server_name(ccurl_transfer *transfer, const ccurl_request *request) {
  CURLU *url = curl_url();
  char *host = NULL, *port = NULL, *given_port = NULL, *renamed = NULL, *line = NULL;
  CURLcode result = CURLE_URL_MALFORMAT;
  if (!url || curl_url_set(url, CURLUPART_URL, request->url, 0) || curl_url_get(url, CURLUPART_HOST, &host, 0) ||
      curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT))
    goto end;
  curl_url_get(url, CURLUPART_PORT, &given_port, 0);
  if (curl_url_set(url, CURLUPART_HOST, request->server_name, 0) || curl_url_get(url, CURLUPART_URL, &renamed, 0))
    goto end;
  result = CURLE_OUT_OF_MEMORY;
  if (asprintf(&line, "%s:%s:%s:%s", request->server_name, port, host, port) < 0) goto end;
  bool done = append(&transfer->connect_to, line);
  free(line);
  if (!done || (!request->authority && !append_host(transfer, host, given_port))) goto end;
  result = curl_easy_setopt(transfer->easy, CURLOPT_URL, renamed);
  if (result == CURLE_OK) result = curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_TO, transfer->connect_to);
end:
  curl_free(host);
  curl_free(port);
  curl_free(given_port);
  curl_free(renamed);
  curl_url_cleanup(url);
  return result;
}

static long tls_versions(int min, int max) {
  static const long least[] = {CURL_SSLVERSION_TLSv1_0, CURL_SSLVERSION_TLSv1_1, CURL_SSLVERSION_TLSv1_2,
                               CURL_SSLVERSION_TLSv1_3};
  static const long greatest[] = {CURL_SSLVERSION_MAX_TLSv1_0, CURL_SSLVERSION_MAX_TLSv1_1,
                                  CURL_SSLVERSION_MAX_TLSv1_2, CURL_SSLVERSION_MAX_TLSv1_3};
  return (min >= 0 && min <= 3 ? least[min] : CURL_SSLVERSION_DEFAULT) |
         (max >= 0 && max <= 3 ? greatest[max] : CURL_SSLVERSION_MAX_DEFAULT);
}

// Called for each new socket. For peers that have vanished: libcurl would go on using a connection whose answers do not
// come.
static int set_socket_options(void *context, curl_socket_t socket, curlsocktype purpose) {
  ccurl_transfer *transfer = context;
  if (transfer->way == CCURL_HTTP2_JOINING) {
    transfer->lacked_connection = true;
    return CURL_SOCKOPT_ERROR;
  }
  // Sockets that are not TCP have no such limit, and need none.
  if (purpose == CURLSOCKTYPE_IPCXN && transfer->unacknowledged_limit > 0)
    setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &transfer->unacknowledged_limit, sizeof(int));
  return CURL_SOCKOPT_OK;
}

// libcurl 7.88 begins HTTP/2 anew on every connection that a request with prior knowledge goes over, and so breaks those
// that it uses again. A request that would upgrade from HTTP/1.1 does no harm there, but must not open a connection.
static CURLcode set_way(CURL *easy, ccurl_way way) {
  static const long versions[] = {[CCURL_HTTP1] = CURL_HTTP_VERSION_1_1,
                                  [CCURL_HTTP2_TLS] = CURL_HTTP_VERSION_2TLS,
                                  [CCURL_HTTP2_OPENING] = CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE,
                                  [CCURL_HTTP2_JOINING] = CURL_HTTP_VERSION_2_0};
  CURLcode code = curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, versions[way]);
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, way == CCURL_HTTP2_OPENING ? 1L : 0L);
  // Rather a stream of a connection that is being made than a connection of its own.
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_PIPEWAIT, way == CCURL_HTTP1 ? 0L : 1L);
  // A proxy need not speak HTTP/2 to let it through.
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, way == CCURL_HTTP1 ? 0L : 1L);
  return code;
}

static CURLcode set_pem(CURL *easy, CURLoption option, const char *pem) {
  struct curl_blob blob = {.data = (void *)pem, .len = strlen(pem), .flags = CURL_BLOB_COPY};
  return curl_easy_setopt(easy, option, &blob);
}

static CURLcode set_certificates(CURL *easy, const ccurl_request *request) {
  CURLcode code = CURLE_OK;
#define SET(option, value) \
  if (code == CURLE_OK) code = curl_easy_setopt(easy, option, value)
#define SET_PEM(option, value) \
  if (code == CURLE_OK && value) code = set_pem(easy, option, value)

  if (request->ca_file || request->ca_pem) {
    SET(CURLOPT_CAINFO, request->ca_file);
    SET_PEM(CURLOPT_CAINFO_BLOB, request->ca_pem);
    // The directory of the system's authorities would still be trusted.
    if (!request->system_cas) SET(CURLOPT_CAPATH, NULL);
    // They may be exchanged at any time, and are few. (The system's are kept for a day: reading them takes a while.)
    SET(CURLOPT_CA_CACHE_TIMEOUT, 0L);
  }
  if (request->cert_file) SET(CURLOPT_SSLCERT, request->cert_file);
  if (request->key_file) SET(CURLOPT_SSLKEY, request->key_file);
  SET_PEM(CURLOPT_SSLCERT_BLOB, request->cert_pem);
  SET_PEM(CURLOPT_SSLKEY_BLOB, request->key_pem);
  // A resumed session would stand for certificates that may have been exchanged since.
  SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
#undef SET_PEM
#undef SET
  return code;
}

const char *ccurl_transfer_prepare(ccurl_transfer *transfer, const ccurl_request *request) {
  CURL *easy = transfer->easy;
  CURLcode code = CURLE_OK;
#define SET(option, value) \
  if (code == CURLE_OK) code = curl_easy_setopt(easy, option, value)

  curl_easy_reset(easy);
  forget_lists(transfer);
  transfer->error[0] = 0;
  transfer->rewind = request->rewind;
  transfer->context = request->context;
  transfer->unacknowledged_limit = (int)request->unacknowledged_limit;
  transfer->way = request->way;
  transfer->lacked_connection = false;

  // No answer is worth waiting for before the body is sent.
  if (!append(&transfer->headers, "Expect:")) code = CURLE_OUT_OF_MEMORY;
  if (request->way != CCURL_HTTP1 && !append(&transfer->headers, "Accept:")) code = CURLE_OUT_OF_MEMORY;
  if (request->authority && !append_host(transfer, request->authority, NULL)) code = CURLE_OUT_OF_MEMORY;
  for (size_t i = 0; i < request->header_count && code == CURLE_OK; i++)
    if (!append(&transfer->headers, request->headers[i])) code = CURLE_OUT_OF_MEMORY;

  SET(CURLOPT_PRIVATE, transfer);
  SET(CURLOPT_ERRORBUFFER, transfer->error);
  SET(CURLOPT_NOSIGNAL, 1L);
  // A name server that does not answer must delay neither a timeout nor the end.
  SET(CURLOPT_QUICK_EXIT, 1L);
  SET(CURLOPT_PROTOCOLS_STR, "http,https");
  if (code == CURLE_OK) code = set_way(easy, request->way);
  SET(CURLOPT_FOLLOWLOCATION, 0L);
  SET(CURLOPT_TCP_KEEPALIVE, 1L);
  SET(CURLOPT_TCP_KEEPIDLE, request->keepalive_idle);
  SET(CURLOPT_TCP_KEEPINTVL, request->keepalive_interval);
  SET(CURLOPT_SOCKOPTFUNCTION, set_socket_options);
  SET(CURLOPT_SOCKOPTDATA, transfer);
  SET(CURLOPT_TIMEOUT_MS, (long)request->timeout);
  SET(CURLOPT_USERAGENT, request->user_agent);
  SET(CURLOPT_URL, request->url);
  SET(CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);

  if (request->bodyless_method) {
    SET(CURLOPT_HTTPGET, 1L);
    SET(CURLOPT_CUSTOMREQUEST, request->bodyless_method);
  } else {
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
    SET(CURLOPT_READFUNCTION, (curl_read_callback)request->read);
    SET(CURLOPT_READDATA, request->context);
    SET(CURLOPT_SEEKFUNCTION, (curl_seek_callback)seek);
    SET(CURLOPT_SEEKDATA, transfer);
  }
  SET(CURLOPT_WRITEFUNCTION, (curl_write_callback)request->write);
  SET(CURLOPT_WRITEDATA, request->context);

  // An empty string keeps libcurl from asking the environment.
  SET(CURLOPT_PROXY, request->proxy);
  SET(CURLOPT_NOPROXY, request->proxy_exceptions);

  SET(CURLOPT_SSLVERSION, tls_versions(request->min_tls, request->max_tls));
  if (request->ciphers) SET(CURLOPT_SSL_CIPHER_LIST, request->ciphers);
  if (code == CURLE_OK) code = set_certificates(easy, request);
  SET(CURLOPT_SSL_VERIFYPEER, request->skip_verification ? 0L : 1L);
  SET(CURLOPT_SSL_VERIFYHOST, request->skip_verification ? 0L : 2L);
  if (request->server_name && code == CURLE_OK) code = set_server_name(transfer, request);
  SET(CURLOPT_HTTPHEADER, transfer->headers);
#undef SET
  return code == CURLE_OK ? NULL : curl_easy_strerror(code);
}

long ccurl_transfer_status(const ccurl_transfer *transfer) {
  long status = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

bool ccurl_transfer_is_http2(const ccurl_transfer *transfer) {
  long version = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_VERSION, &version);
  return version == CURL_HTTP_VERSION_2_0;
}

bool ccurl_transfer_lacked_connection(const ccurl_transfer *transfer) { return transfer->lacked_connection; }

bool ccurl_is_timeout(int result) { return result == CURLE_OPERATION_TIMEDOUT; }

void ccurl_transfer_cut_connection(ccurl_transfer *transfer) {
  curl_socket_t socket = CURL_SOCKET_BAD;
  if (curl_easy_getinfo(transfer->easy, CURLINFO_ACTIVESOCKET, &socket) == CURLE_OK && socket != CURL_SOCKET_BAD)
    shutdown(socket, SHUT_RDWR);
}

const char *ccurl_transfer_header(ccurl_transfer *transfer, const char *name) {
  struct curl_header *header = NULL;
  if (curl_easy_header(transfer->easy, name, 0, CURLH_HEADER | CURLH_TRAILER, -1, &header) != CURLHE_OK) return NULL;
  return header->value;
}

const char *ccurl_transfer_error(const ccurl_transfer *transfer, int result) {
  return transfer->error[0] ? transfer->error : curl_easy_strerror((CURLcode)result);
}
