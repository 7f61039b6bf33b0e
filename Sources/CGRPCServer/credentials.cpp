// TLS, by OpenSSL below gRPC's C core: the way of it that asks for new certificates before each handshake.

#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "internal.hpp"

struct cgrpc_certificates {
  std::string chain, key, client_roots;
};

void cgrpc_certificates_set(cgrpc_certificates *certificates, cgrpc_bytes chain, cgrpc_bytes key,
                            cgrpc_bytes client_roots) {
  auto text = [](cgrpc_bytes bytes) { return std::string(static_cast<const char *>(bytes.start), bytes.count); };
  *certificates = {text(chain), text(key), text(client_roots)};
}

namespace {

class Credentials final : public grpc::ServerCredentials {
 public:
  explicit Credentials(grpc_server_credentials *credentials) : credentials(credentials) {}

  // Asks for the first certificates; `credentials` is null when there are none, or none of use.
  explicit Credentials(const cgrpc_tls &tls) : tls(tls) {
    cgrpc_certificates certificates;
    if (!tls.fetch(tls.context, &certificates) || !are_of_use(certificates)) return;
    first = std::move(certificates);
    credentials = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(request_type(), fetch, this));
  }

  ~Credentials() override {
    if (credentials) grpc_server_credentials_release(credentials);
  }

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor> &) override {}

  bool are_there() const { return credentials != nullptr; }

 private:
  int AddPortToServer(const std::string &address, grpc_server *server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials);
  }

  grpc_ssl_client_certificate_request_type request_type() const {
    return tls.verifies_clients ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
  }

  grpc_ssl_server_certificate_config *config(const cgrpc_certificates &certificates) const {
    grpc_ssl_pem_key_cert_pair pair = {certificates.key.c_str(), certificates.chain.c_str()};
    // gRPC wants some, also where nobody asks clients for certificates.
    const std::string &roots = tls.verifies_clients ? certificates.client_roots : certificates.chain;
    return grpc_ssl_server_certificate_config_create(roots.c_str(), &pair, 1);
  }

  // gRPC tells only whether it can listen, so it is let listen, by a server that is never started, where nobody finds it.
  bool are_of_use(const cgrpc_certificates &certificates) const {
    grpc_server_credentials *fixed = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config(request_type(), config(certificates)));
    grpc_server *server = grpc_server_create(nullptr, nullptr);
    std::string address = "unix-abstract:cgrpc-" + std::to_string(reinterpret_cast<uintptr_t>(server)) + "-" +
                          std::to_string(getpid());
    bool can_listen = grpc_server_add_http2_port(server, address.c_str(), fixed) != 0;
    grpc_completion_queue *events = grpc_completion_queue_create_for_pluck(nullptr);
    grpc_server_shutdown_and_notify(server, events, nullptr);
    grpc_completion_queue_pluck(events, nullptr, gpr_inf_future(GPR_CLOCK_REALTIME), nullptr);
    grpc_server_destroy(server);
    grpc_completion_queue_shutdown(events);
    grpc_completion_queue_destroy(events);
    grpc_server_credentials_release(fixed);
    return can_listen;
  }

  static grpc_ssl_certificate_config_reload_status fetch(void *self, grpc_ssl_server_certificate_config **config) {
    auto *credentials = static_cast<Credentials *>(self);
    cgrpc_certificates certificates;
    if (auto first = std::exchange(credentials->first, std::nullopt)) {
      certificates = *std::move(first);
    } else if (!credentials->tls.fetch(credentials->tls.context, &certificates)) {
      return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    }
    *config = credentials->config(certificates);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const cgrpc_tls tls{};
  // Until gRPC, which asks at its own start, has them.
  std::optional<cgrpc_certificates> first;
  grpc_server_credentials *credentials = nullptr;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> cgrpc::credentials(const cgrpc_tls *tls) {
  if (!tls) return std::make_shared<Credentials>(grpc_insecure_server_credentials_create());
  auto credentials = std::make_shared<Credentials>(*tls);
  if (!credentials->are_there()) return nullptr;
  return credentials;
}
