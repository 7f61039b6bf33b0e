/*
 * What the Swift target HTTPServer needs of libmicrohttpd and of Linux sockets, and no more.
 *
 * libmicrohttpd's constants and variadic functions do not import into Swift; here they become plain functions. All
 * pointers are borrowed unless a function says otherwise, and no callback may unwind.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Workers: one epoll thread each, with the connections it was given ---- */

typedef struct chttp_worker chttp_worker;
typedef struct chttp_connection chttp_connection;
typedef struct chttp_response chttp_response;

/*
 * Called on the worker's thread. `context` is the one given to chttp_worker_start; `request` is what `head` returned.
 * A callback that returns false (or NULL, for `head`) has its connection closed at once.
 */
typedef struct chttp_callbacks {
  /*
   * A connection given to chttp_worker_add has begun; its socket is open until `closed` returns. The result comes back
   * to `head` and `closed` and is never freed by the shim.
   */
  void *(*opened)(void *context, chttp_connection *connection, int socket);
  /*
   * The headers of a request are there, none of its body. `client` is what `opened` returned. `method`, `path`
   * and `query`, which is NULL where there is no `?`, are as sent and live as long as the request. The result comes back to every later callback and is
   * never freed by the shim.
   */
  void *(*head)(void *context, void *client, chttp_connection *connection, const char *method, const char *path,
                const char *query);
  /* The next `count` (> 0) bytes of the body. */
  bool (*body)(void *context, void *request, const void *bytes, size_t count);
  /*
   * The request is there in full. Called again after chttp_resume. Has to call chttp_reply or chttp_suspend before it
   * returns true.
   */
  bool (*complete)(void *context, void *request);
  /* Nothing will be heard of the request again: its reply was sent or its connection is lost. */
  void (*end)(void *context, void *request);
  /* A connection is about to be closed. `client` is what `opened` returned, or NULL when it never began. */
  void (*closed)(void *context, void *client);
} chttp_callbacks;

typedef struct chttp_worker_options {
  /* Connections above this number are closed unanswered. */
  unsigned connection_limit;
  /* Bytes for the headers and the read buffer of one connection. */
  size_t connection_memory;
  /* How to speak TLS, in GnuTLS's words; NULL for not at all. With it, `opened` has to call chttp_tls_begin. */
  const char *tls_priorities;
} chttp_worker_options;

/* Starts a worker, or returns NULL with errno set. */
chttp_worker *chttp_worker_start(const chttp_worker_options *options, const chttp_callbacks *callbacks, void *context);

/*
 * Closes all connections, waits for the thread's end and frees the worker. No connection may be suspended. Not to be
 * called from a callback.
 */
void chttp_worker_stop(chttp_worker *worker);

/*
 * Hands over a connected socket, which is closed in any case. `address` comes from chttp_accept. After true, `closed`
 * is called once at the connection's end. From any thread.
 */
typedef struct chttp_address {
  uint8_t bytes[128];
  unsigned length;
} chttp_address;
bool chttp_worker_add(chttp_worker *worker, int socket, const chttp_address *address);

/* ---- Requests ---- */

/* What chttp_content_length returns when there is no number. */
enum {
  /* The body comes in chunks. */
  CHTTP_CHUNKED = -1,
  /* The headers contradict one another about where the body ends. */
  CHTTP_CONTRADICTORY = -2,
  /* A transfer coding other than chunked. */
  CHTTP_UNKNOWN_CODING = -3,
};

/* Bytes of the body as announced (0 when nothing is announced), or one of the constants above. */
int64_t chttp_content_length(chttp_connection *connection);

/* Bytes of the request line and the headers. */
size_t chttp_head_size(chttp_connection *connection);

/* The client waits for "100 Continue" before it sends the body. */
bool chttp_expects_continue(chttp_connection *connection);

/*
 * Finds the first header of that name, in any letter case. The value lives as long as the request.
 * Returns false when there is none.
 */
bool chttp_header(chttp_connection *connection, const char *name, size_t name_length, const char **value,
                  size_t *value_length);

/*
 * Queues the reply; to be called in `head` (the body is then not read and the connection is closed after the reply) or
 * in `complete`. The response is not consumed.
 */
bool chttp_reply(chttp_connection *connection, unsigned status, chttp_response *response);

/* Takes the connection out of the event loop; to be called in `complete`. */
void chttp_suspend(chttp_connection *connection);

/* Has `complete` called again, soon, for a suspended connection. From any thread. */
void chttp_resume(chttp_connection *connection);

/*
 * To be called in `end`: when a reply was sent, another descriptor of the connection's socket, which the caller owns;
 * otherwise (or without free descriptors) -1.
 */
int chttp_keep_socket(chttp_connection *connection);

/* ---- Responses: immutable once used, shareable by any number of replies and threads ---- */

/* Copies the body. NULL when memory ran out. */
chttp_response *chttp_response_new(const void *body, size_t count);
/* False when the name or the value is no legal header. */
bool chttp_response_add_header(chttp_response *response, const char *name, const char *value);
/* Gives up the caller's reference; replies under way keep theirs. */
void chttp_response_free(chttp_response *response);

/* What goes with a status in the first line of a reply. Lives for ever. */
const char *chttp_reason(unsigned status);

/* ---- Sockets ---- */

/*
 * Binds and listens, without blocking. An empty host means all addresses; a name is looked up, and its IPv4 address is
 * preferred; another one is tried only where this machine does not have it. Returns the socket and stores its port, or
 * returns -1 and stores a reason that lives for ever.
 */
int chttp_listen(const char *host, uint16_t port, uint16_t *bound_port, const char **reason);

/*
 * Listens on a Unix socket: a file that its owner and group may connect to. Of a socket that stands there already nobody
 * must be listening; then it is replaced. Stores what chttp_unlisten needs to know the file again. Returns the socket, or
 * returns -1 and stores a reason that lives for ever.
 */
typedef struct chttp_file_id {
  uint64_t device;
  uint64_t number;
} chttp_file_id;
int chttp_listen_unix(const char *path, chttp_file_id *file, const char **reason);

/* Removes the file of a Unix socket, unless it is another one by now. */
void chttp_unlisten(const char *path, const chttp_file_id *file);

/* The next connection, or a negated errno. */
int chttp_accept(int listener, chttp_address *address);

/*
 * Throws away what has been received, up to `limit` bytes, without blocking. Returns their number, 0 at the end of the
 * stream, or a negated errno.
 */
int64_t chttp_discard(int socket, size_t limit);

/* Bytes that the kernel has received on a connection since it was established; -1 when it does not tell. */
int64_t chttp_received(int socket);

/* Whether the other side has said that nothing follows, and everything before that was read. */
bool chttp_is_left(int socket);

/* Sends bytes as far as there is room for them, without blocking, and says that nothing follows. */
void chttp_tell(int socket, const void *bytes, size_t count);

/*
 * Ends a connection in both directions; its owner sees the end of the stream. With `forget` the kernel throws away what
 * the other side has not taken yet, once the socket is closed.
 */
void chttp_cut(int socket, bool forget);

/* A descriptor that becomes readable after chttp_wakeup_signal. -1 when there are no free descriptors. */
int chttp_wakeup_new(void);
void chttp_wakeup_signal(int wakeup);
void chttp_wakeup_clear(int wakeup);

#ifdef __cplusplus
}
#endif
