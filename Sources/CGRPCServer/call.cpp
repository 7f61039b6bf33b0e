// Calls. Each is a few events of the completion queue: it began, its message came, its answer has gone.

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/compression.h>
#include <grpc/slice.h>

#include <cstring>
#include <utility>

#include "internal.hpp"

using cgrpc::Step;

struct alignas(cgrpc::step_mask + 1) cgrpc_call {
  cgrpc_server *const server;
  grpc_call *call = nullptr;
  grpc_call_details details;
  grpc_metadata_array metadata;
  grpc_byte_buffer *message = nullptr;
  void *object = nullptr;
  int is_cancelled = 0;
  bool has_headers = false;
  bool is_watched = false;
  // Batches under way, and one for the answer that is owed.
  std::atomic<int> steps{1};
  // Written before a batch starts and read after its event: gRPC orders the two, by means that a race detector which has
  // not seen gRPC compiled does not know.
  std::atomic<unsigned> baton{0};

  explicit cgrpc_call(cgrpc_server *server) : server(server) {
    grpc_call_details_init(&details);
    grpc_metadata_array_init(&metadata);
  }

  ~cgrpc_call() {
    grpc_call_details_destroy(&details);
    grpc_metadata_array_destroy(&metadata);
    if (message) grpc_byte_buffer_destroy(message);
    if (call) grpc_call_unref(call);
  }

  void *tag(Step step) { return reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(this) | uintptr_t(step)); }

  void start(const grpc_op *ops, size_t count, Step step) {
    steps.fetch_add(1, std::memory_order_relaxed);
    baton.fetch_add(1, std::memory_order_release);
    grpc_call_error error = grpc_call_start_batch(call, ops, count, tag(step), nullptr);
    // Only a batch that contradicts an earlier one is refused, and none here does.
    if (error != GRPC_CALL_OK) abort();
  }

  // The last step of a call takes it away.
  void finish_step() {
    if (steps.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      cgrpc_server *server = this->server;
      delete this;
      server->leave();
    }
  }
};

static grpc_slice copied(cgrpc_bytes bytes) {
  return bytes.count ? grpc_slice_from_copied_buffer(static_cast<const char *>(bytes.start), bytes.count)
                     : grpc_empty_slice();
}

static cgrpc_bytes borrowed(const grpc_slice &slice) {
  return {GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice)};
}

static grpc_op operation(grpc_op_type type) {
  grpc_op op;
  std::memset(&op, 0, sizeof op);
  op.op = type;
  return op;
}

// A message to send, for as long as it takes to start that.
class Outgoing {
 public:
  explicit Outgoing(cgrpc_bytes bytes) : slice(copied(bytes)), buffer(grpc_raw_byte_buffer_create(&slice, 1)) {}
  ~Outgoing() {
    grpc_byte_buffer_destroy(buffer);
    grpc_slice_unref(slice);
  }
  Outgoing(const Outgoing &) = delete;

  grpc_op operation() const {
    grpc_op op = ::operation(GRPC_OP_SEND_MESSAGE);
    op.data.send_message.send_message = buffer;
    return op;
  }

 private:
  grpc_slice slice;
  grpc_byte_buffer *buffer;
};

// ---- Events ----

void cgrpc::expect_call(cgrpc_server *server) {
  auto *call = new cgrpc_call(server);
  server->users.fetch_add(1, std::memory_order_relaxed);
  grpc_completion_queue *events = server->events->cq();
  call->baton.fetch_add(1, std::memory_order_release);
  grpc_call_error error = grpc_server_request_call(server->server->c_server(), &call->call, &call->details,
                                                   &call->metadata, events, events, call->tag(Step::began));
  if (error != GRPC_CALL_OK) abort();
}

static void begin(cgrpc_call *call, bool ok) {
  if (!ok) return call->finish_step();  // The server is being stopped: this one never began.
  cgrpc::expect_call(call->server);
  call->server->callbacks.began(call->server->context, call);
}

static void receive(cgrpc_call *call, bool ok) {
  const cgrpc_server &server = *call->server;
  if (ok && call->message) {
    server.callbacks.received(server.context, call->object);
  } else {
    server.callbacks.lost(server.context, call->object);
    if (ok) {
      // Whoever is there has ended the call without a message.
      static const char text[] = "the call has no message";
      constexpr cgrpc_bytes nothing{nullptr, 0};
      return cgrpc_call_answer(call, GRPC_STATUS_INVALID_ARGUMENT, {text, sizeof text - 1}, nothing, nothing);
    }
    call->finish_step();
  }
}

void cgrpc::handle(cgrpc_call *call, Step step, bool ok) {
  call->baton.load(std::memory_order_acquire);
  const cgrpc_server &server = *call->server;
  switch (step) {
    case Step::began:
      return begin(call, ok);
    case Step::received:
      receive(call, ok);
      break;
    case Step::sent:
      server.callbacks.sent(server.context, call->object);
      break;
    case Step::closed:
      server.callbacks.closed(server.context, call->object);
      break;
    case Step::answered:
      break;
  }
  call->finish_step();
}

// ---- From any thread ----

cgrpc_bytes cgrpc_call_method(const cgrpc_call *call) { return borrowed(call->details.method); }

bool cgrpc_call_metadata(const cgrpc_call *call, cgrpc_bytes name, cgrpc_bytes *value) {
  for (size_t i = 0; i < call->metadata.count; i++) {
    cgrpc_bytes key = borrowed(call->metadata.metadata[i].key);
    if (key.count != name.count || std::memcmp(key.start, name.start, name.count) != 0) continue;
    *value = borrowed(call->metadata.metadata[i].value);
    return true;
  }
  return false;
}

void cgrpc_call_receive(cgrpc_call *call, void *object) {
  call->object = object;
  grpc_op op = operation(GRPC_OP_RECV_MESSAGE);
  op.data.recv_message.recv_message = &call->message;
  call->start(&op, 1, Step::received);
}

void cgrpc_call_watch(cgrpc_call *call, void *object) {
  call->object = object;
  call->is_watched = true;
  grpc_op op = operation(GRPC_OP_RECV_CLOSE_ON_SERVER);
  op.data.recv_close_on_server.cancelled = &call->is_cancelled;
  call->start(&op, 1, Step::closed);
}

void cgrpc_call_send(cgrpc_call *call, cgrpc_bytes message, void *object) {
  call->object = object;
  Outgoing outgoing(message);
  grpc_op ops[2];
  size_t count = 0;
  if (!std::exchange(call->has_headers, true)) ops[count++] = operation(GRPC_OP_SEND_INITIAL_METADATA);
  ops[count++] = outgoing.operation();
  call->start(ops, count, Step::sent);
}

void cgrpc_call_answer(cgrpc_call *call, int code, cgrpc_bytes message, cgrpc_bytes details, cgrpc_bytes response) {
  Outgoing outgoing(response);
  grpc_slice text = copied(message);
  grpc_metadata encoded;
  std::memset(&encoded, 0, sizeof encoded);
  encoded.key = grpc_slice_from_static_string("grpc-status-details-bin");
  encoded.value = copied(details);

  grpc_op ops[4];
  size_t count = 0;
  if (!std::exchange(call->has_headers, true)) ops[count++] = operation(GRPC_OP_SEND_INITIAL_METADATA);
  if (code == GRPC_STATUS_OK) ops[count++] = outgoing.operation();
  grpc_op status = operation(GRPC_OP_SEND_STATUS_FROM_SERVER);
  status.data.send_status_from_server.status = static_cast<grpc_status_code>(code);
  status.data.send_status_from_server.status_details = &text;
  if (details.count) {
    status.data.send_status_from_server.trailing_metadata_count = 1;
    status.data.send_status_from_server.trailing_metadata = &encoded;
  }
  ops[count++] = status;
  if (!call->is_watched) {
    grpc_op close = operation(GRPC_OP_RECV_CLOSE_ON_SERVER);
    close.data.recv_close_on_server.cancelled = &call->is_cancelled;
    ops[count++] = close;
  }
  call->start(ops, count, Step::answered);
  grpc_slice_unref(text);
  grpc_slice_unref(encoded.value);
  call->finish_step();
}

// ---- Messages: a byte buffer under another name ----

static grpc_byte_buffer *buffer(cgrpc_message *message) { return reinterpret_cast<grpc_byte_buffer *>(message); }
static const grpc_byte_buffer *buffer(const cgrpc_message *message) {
  return reinterpret_cast<const grpc_byte_buffer *>(message);
}
static const grpc_slice_buffer &slices(const cgrpc_message *message) { return buffer(message)->data.raw.slice_buffer; }

cgrpc_message *cgrpc_call_take_message(cgrpc_call *call) {
  return reinterpret_cast<cgrpc_message *>(std::exchange(call->message, nullptr));
}

void cgrpc_message_free(cgrpc_message *message) { grpc_byte_buffer_destroy(buffer(message)); }

size_t cgrpc_message_size(const cgrpc_message *message) { return slices(message).length; }

bool cgrpc_message_is_gzip(const cgrpc_message *message) {
  return buffer(message)->data.raw.compression == GRPC_COMPRESS_GZIP;
}

const void *cgrpc_message_in_one_piece(const cgrpc_message *message) {
  return slices(message).count == 1 ? GRPC_SLICE_START_PTR(slices(message).slices[0]) : nullptr;
}

void cgrpc_message_copy(const cgrpc_message *message, void *to) {
  auto *at = static_cast<uint8_t *>(to);
  for (size_t i = 0; i < slices(message).count; i++) {
    const grpc_slice &slice = slices(message).slices[i];
    std::memcpy(at, GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice));
    at += GRPC_SLICE_LENGTH(slice);
  }
}
