/*
 * What the Swift target GRPCServer needs of gRPC's server, and no more.
 *
 * Connections are accepted elsewhere and handed over. Calls are those of gRPC's C core, as messages of bytes: no service is
 * known here, and no message. All pointers are borrowed unless a function says otherwise, and no callback may unwind.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cgrpc_server cgrpc_server;
/* From `began` on a call is answered exactly once, and is gone when it was. */
typedef struct cgrpc_call cgrpc_call;

typedef struct cgrpc_bytes {
  const void *start;
  size_t count;
} cgrpc_bytes;

/* Called on the threads that serve. `context` is the server's. `object` is what cgrpc_call_receive or _watch was given. */
typedef struct cgrpc_callbacks {
  /* The metadata of a call is there, nothing else. It has to be received or answered, now or later. */
  void (*began)(void *context, cgrpc_call *call);
  /* The call's message is there. The call has to be answered, now or later. */
  void (*received)(void *context, void *object);
  /* No message came, or none that is allowed: the call is gone, answered by gRPC where somebody is left to hear it. */
  void (*lost)(void *context, void *object);
  /* What cgrpc_call_send was given has gone out, or cannot any more. */
  void (*sent)(void *context, void *object);
  /* The other side of a watched call wants to hear no more, or nothing can reach it. The call still has to be answered. */
  void (*closed)(void *context, void *object);
} cgrpc_callbacks;

/* Times in milliseconds; 0 leaves out what it stands for, or leaves it to gRPC. */
typedef struct cgrpc_options {
  /* Bytes of a message as it comes. Above it the call is ended with RESOURCE_EXHAUSTED. */
  size_t max_message;
  /* Bytes that gRPC itself may take. Near it senders are slowed down, above it calls are ended. */
  size_t memory;
  unsigned max_concurrent_streams;
  int64_t max_connection_idle;
  int64_t max_connection_age;
  int64_t max_connection_age_grace;
  int64_t keepalive_time;
  int64_t keepalive_timeout;
  /* Clients that ping more often than this lose their connection. */
  int64_t min_ping_interval;
  bool permit_pings_without_calls;
} cgrpc_options;

/* ---- TLS ---- */

/* Where `fetch` puts what it has read: PEM texts, which are copied. */
typedef struct cgrpc_certificates cgrpc_certificates;
void cgrpc_certificates_set(cgrpc_certificates *certificates, cgrpc_bytes chain, cgrpc_bytes key, cgrpc_bytes client_roots);

/* How a server speaks TLS: `fetch` is asked at the start and before each handshake; it returns whether it has set anything
   new. What gRPC cannot use is not used: the handshakes go on with what came before, and at the start there is no server. */
typedef struct cgrpc_tls {
  void *context;
  bool (*fetch)(void *context, cgrpc_certificates *certificates);
  /* Clients without a certificate that one of the client roots has signed are refused. */
  bool verifies_clients;
} cgrpc_tls;

/* ---- Servers ---- */

/* A server without connections. `tls` is NULL for plain ones. NULL when gRPC refuses the options or the certificates. */
cgrpc_server *cgrpc_server_new(const cgrpc_options *options, const cgrpc_tls *tls, const cgrpc_callbacks *callbacks,
                               void *context);

/* To be called once, before the first thread serves. */
void cgrpc_server_start(cgrpc_server *server);

/* Serves calls on this thread, until the server is stopped and its last call answered. */
void cgrpc_server_serve(cgrpc_server *server);

/* Takes over a connected socket, non-blocking, whatever becomes of it. From one thread. */
void cgrpc_server_add(cgrpc_server *server, int socket);

/*
 * Takes no more calls, waits so long for those under way, then cancels them and closes the connections. Cancelled calls
 * still have to be answered. To be called once; from a thread that does not serve, while others do if it was started.
 */
void cgrpc_server_stop(cgrpc_server *server, int64_t milliseconds);

/* After the stop, and when no thread serves any more. */
void cgrpc_server_free(cgrpc_server *server);

/* ---- Calls: from any thread, one at a time ---- */

/* The method's full name, as in `/package.Service/Method`. Lives as long as the call. */
cgrpc_bytes cgrpc_call_method(const cgrpc_call *call);

/* The first value of a metadata key, which is in lower case. Lives as long as the call. False when there is none. */
bool cgrpc_call_metadata(const cgrpc_call *call, cgrpc_bytes name, cgrpc_bytes *value);

/* Asks for the call's message. */
void cgrpc_call_receive(cgrpc_call *call, void *object);

/* Answers. With code 0 (OK) the `response` is sent, with others `message` (UTF-8) and, unless empty, `details`: an encoded
   google.rpc.Status. The call is gone. */
void cgrpc_call_answer(cgrpc_call *call, int code, cgrpc_bytes message, cgrpc_bytes details, cgrpc_bytes response);

/* After `received`, for a call that is answered by many messages: has `closed` called once. */
void cgrpc_call_watch(cgrpc_call *call, void *object);

/* Sends one of them; the next one after `sent`. */
void cgrpc_call_send(cgrpc_call *call, cgrpc_bytes message, void *object);

/* ---- Messages ---- */

typedef struct cgrpc_message cgrpc_message;

/* After `received`: the call's message, which the caller owns. Once. */
cgrpc_message *cgrpc_call_take_message(cgrpc_call *call);
void cgrpc_message_free(cgrpc_message *message);
size_t cgrpc_message_size(const cgrpc_message *message);
/* It was sent in gzip's format, and still is in it. */
bool cgrpc_message_is_gzip(const cgrpc_message *message);
/* Where the bytes lie, if they lie in one piece; else NULL. They live as long as the message. */
const void *cgrpc_message_in_one_piece(const cgrpc_message *message);
void cgrpc_message_copy(const cgrpc_message *message, void *to);

/* ---- gRPC's own log ---- */

/* Has `write` called, on any thread, for what gRPC has to say: errors only, unless GRPC_VERBOSITY says otherwise. */
void cgrpc_set_log(void (*write)(const char *text));

#ifdef __cplusplus
}
#endif
