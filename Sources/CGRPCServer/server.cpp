// Servers: built by gRPC's C++ library, which alone takes over connections; their calls are the C core's.

#include <grpc/compression.h>
#include <grpc/support/log.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/resource_quota.h>

#include <algorithm>
#include <climits>
#include <utility>

#include "internal.hpp"

namespace {

class Arguments final : public grpc::ServerBuilderOption {
 public:
  explicit Arguments(const cgrpc_options &options) : options(options) {}

  void UpdateArguments(grpc::ChannelArguments *arguments) override {
    // Messages are inflated by whoever takes them: gRPC would inflate them without a limit.
    arguments->SetInt(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
    arguments->SetInt(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET,
                      1 << GRPC_COMPRESS_NONE | 1 << GRPC_COMPRESS_GZIP);
    arguments->SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
    set(arguments, GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_concurrent_streams);
    set(arguments, GRPC_ARG_MAX_CONNECTION_IDLE_MS, options.max_connection_idle);
    set(arguments, GRPC_ARG_MAX_CONNECTION_AGE_MS, options.max_connection_age);
    set(arguments, GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, options.max_connection_age_grace);
    set(arguments, GRPC_ARG_KEEPALIVE_TIME_MS, options.keepalive_time);
    set(arguments, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, options.keepalive_timeout);
    set(arguments, GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, options.min_ping_interval);
    arguments->SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, options.permit_pings_without_calls);
  }

  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>> *) override {}

 private:
  static void set(grpc::ChannelArguments *arguments, const char *name, int64_t value) {
    if (value > 0) arguments->SetInt(name, int(std::min<int64_t>(value, INT_MAX)));
  }

  const cgrpc_options options;
};

}  // namespace

cgrpc_server *cgrpc_server_new(const cgrpc_options *options, const cgrpc_tls *tls, const cgrpc_callbacks *callbacks,
                               void *context) {
  // Once more than it is shut down: gRPC then never ends its own threads, which late answers need.
  static const bool is_initialized = (grpc_init(), true);
  (void)is_initialized;
  auto credentials = cgrpc::credentials(tls);
  if (!credentials) return nullptr;
  auto server = std::make_unique<cgrpc_server>();
  server->callbacks = *callbacks;
  server->context = context;
  grpc::ServerBuilder builder;
  builder.SetOption(std::make_unique<Arguments>(*options));
  builder.SetMaxReceiveMessageSize(int(std::min<size_t>(options->max_message, INT_MAX)));
  builder.SetResourceQuota(grpc::ResourceQuota("cgrpc").Resize(options->memory));
  builder.RegisterAsyncGenericService(&server->everything);
  server->events = builder.AddCompletionQueue();
  using Type = grpc::ServerBuilder::experimental_type::ExternalConnectionType;
  server->acceptor = builder.experimental().AddExternalConnectionAcceptor(Type::FROM_FD, std::move(credentials));
  server->server = builder.BuildAndStart();
  if (!server->server) {
    server->leave();
    cgrpc_server_free(server.release());
    return nullptr;
  }
  return server.release();
}

void cgrpc_server_start(cgrpc_server *server) {
  // Calls that begin at the same time wait for each other no longer than it takes to ask for the next one.
  for (int i = 0; i < 16; i++) cgrpc::expect_call(server);
}

void cgrpc_server_serve(cgrpc_server *server) {
  for (;;) {
    grpc_event event = grpc_completion_queue_next(server->events->cq(), gpr_inf_future(GPR_CLOCK_REALTIME), nullptr);
    if (event.type == GRPC_QUEUE_SHUTDOWN) return;
    auto tag = reinterpret_cast<uintptr_t>(event.tag);
    cgrpc::handle(reinterpret_cast<cgrpc_call *>(tag & ~cgrpc::step_mask), cgrpc::Step(tag & cgrpc::step_mask),
                  event.success != 0);
  }
}

void cgrpc_server_add(cgrpc_server *server, int socket) {
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
  connection.fd = socket;
  server->acceptor->HandleNewConnection(&connection);
}

void cgrpc_server_stop(cgrpc_server *server, int64_t milliseconds) {
  // A jump of the wall clock must not prolong this.
  server->server->Shutdown(
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(milliseconds, GPR_TIMESPAN)));
  server->leave();
}

void cgrpc_server_free(cgrpc_server *server) {
  // What nobody has served, if it was never started.
  cgrpc_server_serve(server);
  delete server;
}

static std::atomic<void (*)(const char *)> log_writer;

void cgrpc_set_log(void (*write)(const char *text)) {
  log_writer.store(write);
  gpr_set_log_function([](gpr_log_func_args *line) { log_writer.load()(line->message); });
}
