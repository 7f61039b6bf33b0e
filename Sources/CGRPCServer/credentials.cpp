// TLS, by OpenSSL below gRPC's C core: the way of it that asks for new certificates before each handshake.

#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include <string>

#include "internal.hpp"

struct cgrpc_certificates {
  std::string chain, key, client_roots;
};

void cgrpc_certificates_set(cgrpc_certificates *certificates, cgrpc_bytes chain, cgrpc_bytes key,
                            cgrpc_bytes client_roots) {
  auto text = [](cgrpc_bytes bytes) { return std::string(static_cast<const char *>(bytes.start), bytes.count); };
  *certificates = {text(chain), text(key), client_roots.count ? text(client_roots) : ""};
}

namespace {

class Credentials final : public grpc::ServerCredentials {
 public:
  explicit Credentials(const cgrpc_tls *tls) {
    if (!tls) {
      credentials = grpc_insecure_server_credentials_create();
      return;
    }
    this->tls = *tls;
    credentials = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            tls->verifies_clients ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                  : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
            fetch, &this->tls));
  }

  ~Credentials() override { grpc_server_credentials_release(credentials); }

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor> &) override {}

 private:
  int AddPortToServer(const std::string &address, grpc_server *server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials);
  }

  static grpc_ssl_certificate_config_reload_status fetch(void *context, grpc_ssl_server_certificate_config **config) {
    const auto *tls = static_cast<const cgrpc_tls *>(context);
    cgrpc_certificates certificates;
    if (!tls->fetch(tls->context, &certificates)) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    grpc_ssl_pem_key_cert_pair pair = {certificates.key.c_str(), certificates.chain.c_str()};
    *config = grpc_ssl_server_certificate_config_create(
        certificates.client_roots.empty() ? nullptr : certificates.client_roots.c_str(), &pair, 1);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  cgrpc_tls tls{};
  grpc_server_credentials *credentials;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> cgrpc::credentials(const cgrpc_tls *tls) {
  return std::make_shared<Credentials>(tls);
}
