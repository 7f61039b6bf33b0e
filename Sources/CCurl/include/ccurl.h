// What Heirloom uses of libcurl: HTTP/1.1 and HTTP/2 requests on one multi handle. Variadic functions, macros and enum constants of
// libcurl stay behind these functions. Nothing here is safe to call from two threads at once, but ccurl_multi_wake.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// All transfers of one client, and the connections they keep alive.
typedef struct ccurl_multi ccurl_multi;
/// One request and its answer; may be used for another request once it has ended.
typedef struct ccurl_transfer ccurl_transfer;

/// Fills `buffer` with up to `capacity` bytes of the body; 0 at its end.
typedef size_t (*ccurl_read)(char *buffer, size_t size, size_t count, void *context);
/// Goes to `offset` of the body, so that it can be sent again; false when that cannot be done.
typedef bool (*ccurl_rewind)(void *context, int64_t offset);
/// Takes a part of the answer's body; anything but the whole length ends the transfer.
typedef size_t (*ccurl_write)(char *bytes, size_t size, size_t count, void *context);

/// HTTP's version, and the connection that a request goes over.
typedef enum {
  /// One that is free, or a new one.
  CCURL_HTTP1,
  /// HTTP/2 or HTTP/1.1, as the TLS handshake settles it (see ccurl_transfer_is_http2): one that is there, or a new one.
  CCURL_HTTP2_TLS,
  /// HTTP/2 from the first byte on, over a new one.
  CCURL_HTTP2_OPENING,
  /// HTTP/2 over one that CCURL_HTTP2_OPENING has opened, or is opening. Where there is none, the transfer fails (see
  /// ccurl_transfer_lacked_connection).
  CCURL_HTTP2_JOINING,
} ccurl_way;

/// A request. Strings are copied; `context` must live until the transfer has ended.
typedef struct {
  const char *url;
  /// `GET` or `DELETE`, which send no body; NULL for a POST.
  const char *bodyless_method;
  /// Whole lines, `Name: value`.
  const char *const *headers;
  size_t header_count;
  /// The Host header, which is HTTP/2's `:authority`; NULL for the URL's host and port.
  const char *authority;
  ccurl_way way;
  /// Path of a socket to connect to in place of the URL's host; NULL for none.
  const char *unix_socket;
  /// Seconds of silence after which the system asks whether the peer is still there, and between such questions.
  long keepalive_idle;
  long keepalive_interval;
  /// Milliseconds that sent bytes may stay unacknowledged before the system gives the connection up; 0 for its own limit.
  long unacknowledged_limit;
  int64_t body_length;
  /// Milliseconds for everything, from the name's resolution to the answer's last byte; 0 for no limit.
  int64_t timeout;
  const char *user_agent;
  /// URL of a proxy; empty for none. The environment is never consulted here.
  const char *proxy;
  /// Hosts that are reached without the proxy, in the form of the NO_PROXY variable.
  const char *proxy_exceptions;

  /// Certificate authorities that are trusted instead of the system's, as a file or as its content; NULL for the system's.
  const char *ca_file;
  const char *ca_pem;
  /// Whether the system's are trusted beside them.
  bool system_cas;
  const char *cert_file;
  const char *cert_pem;
  const char *key_file;
  const char *key_pem;
  /// Cipher suites up to TLS 1.2, in OpenSSL's names; NULL for the library's choice.
  const char *ciphers;
  bool skip_verification;
  /// Name to ask for and to verify in place of the URL's host, over TLS; NULL for the host.
  const char *server_name;
  /// Least and greatest TLS version as the minor number of 1.x; negative for libcurl's own choice.
  int min_tls;
  int max_tls;

  ccurl_read read;
  ccurl_rewind rewind;
  ccurl_write write;
  void *context;
} ccurl_request;

/// The parts of a URL; every string is owned by this value, see ccurl_url_free.
typedef struct {
  char *scheme;
  /// IPv6 addresses in brackets.
  char *host;
  char *port;
  /// Why the URL was refused, a constant; NULL when it was not.
  const char *error;
} ccurl_url;

/// Once in a process, before anything else. False when libcurl cannot work here.
bool ccurl_initialize(void);

/// Takes an absolute http or https URL apart.
ccurl_url ccurl_url_parse(const char *text);
void ccurl_url_free(ccurl_url *url);

/// NULL when there is no memory. Keeps at most `connections` idle connections.
ccurl_multi *ccurl_multi_create(long connections);
/// All transfers must have been taken out before.
void ccurl_multi_destroy(ccurl_multi *multi);
/// Begins a prepared transfer. Returns an error's text, or NULL.
const char *ccurl_multi_add(ccurl_multi *multi, ccurl_transfer *transfer);
/// Takes a transfer out, whatever its state.
void ccurl_multi_remove(ccurl_multi *multi, ccurl_transfer *transfer);
/// Does what can be done without waiting. Returns an error's text, or NULL.
const char *ccurl_multi_perform(ccurl_multi *multi);
/// A transfer that has ended and its result (0: there is an answer); NULL when there is none.
ccurl_transfer *ccurl_multi_next_ended(ccurl_multi *multi, int *result);
/// Waits until something can be done, ccurl_multi_wake is called, or so many milliseconds have passed.
void ccurl_multi_poll(ccurl_multi *multi, int milliseconds);
/// Ends a wait; the only function that any thread may call.
void ccurl_multi_wake(ccurl_multi *multi);

/// NULL when there is no memory.
ccurl_transfer *ccurl_transfer_create(void);
void ccurl_transfer_destroy(ccurl_transfer *transfer);
/// Forgets what was before and sets the next request up. Returns an error's text, or NULL.
const char *ccurl_transfer_prepare(ccurl_transfer *transfer, const ccurl_request *request);
/// The answer's status code; 0 when there is none.
long ccurl_transfer_status(const ccurl_transfer *transfer);
/// Whether the answer came over HTTP/2.
bool ccurl_transfer_is_http2(const ccurl_transfer *transfer);
/// Whether a CCURL_HTTP2_JOINING transfer failed because there was no connection; nothing was sent then.
bool ccurl_transfer_lacked_connection(const ccurl_transfer *transfer);
/// Whether a transfer that ended with `result` ran out of time.
bool ccurl_is_timeout(int result);
/// Cuts the connection that an ended transfer has used, for whoever else is on it too. Only before the transfer is taken
/// out of its multi handle.
void ccurl_transfer_cut_connection(ccurl_transfer *transfer);
/// A header or trailer of the answer, valid until the next prepare; NULL when it is not there.
const char *ccurl_transfer_header(ccurl_transfer *transfer, const char *name);
/// What went wrong, in words, valid until the next prepare.
const char *ccurl_transfer_error(const ccurl_transfer *transfer, int result);
