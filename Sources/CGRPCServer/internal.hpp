// What the parts of this shim share.
#pragma once

#include <grpc/grpc.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <atomic>
#include <memory>

#include "cgrpcserver.h"

struct cgrpc_server {
  cgrpc_callbacks callbacks;
  void *context;
  // Never asked for calls: its only use is that the C++ server leaves unknown methods alone, which are all there are.
  grpc::AsyncGenericService everything;
  std::unique_ptr<grpc::ServerCompletionQueue> events;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor;
  std::unique_ptr<grpc::Server> server;
  // Calls, those that have not begun included, and one for the server itself until it is stopped.
  std::atomic<size_t> users{1};

  // The last one to leave ends the threads that serve.
  void leave() {
    if (users.fetch_sub(1, std::memory_order_acq_rel) == 1) events->Shutdown();
  }
};

namespace cgrpc {

// What an event of the completion queue is about: the low bits of its tag, the others are the call.
enum class Step : uintptr_t { began, received, sent, closed, answered };
constexpr uintptr_t step_mask = 7;

// Waits for another call.
void expect_call(cgrpc_server *server);

// The event of a call has happened; `ok` is false when it did so only because it cannot any more.
void handle(cgrpc_call *call, Step step, bool ok);

// C core's credentials, as the C++ server wants them: plain ones for null, and null for certificates that are of no use.
std::shared_ptr<grpc::ServerCredentials> credentials(const cgrpc_tls *tls);

}  // namespace cgrpc
