import Configuration
import GRPCServer
import Receivers
import TLS

extension OTLPGRPCReceiver.Configuration {
  /// Reads `protocols: grpc:`.
  init(section grpc: ConfigSection) {
    self.init()
    port = 4317
    if let (host, port) = Endpoint.read(grpc) { (self.host, self.port) = (host, port) }
    let maxMessageMiB = grpc.int("max_recv_msg_size_mib", default: 0, in: 0...1024)
    // As in the OpenTelemetry Collector, 0 means the default, which is another one here.
    maxMessageBytes = (maxMessageMiB == 0 ? 64 : maxMessageMiB) << 20
    maxBufferedBytes = grpc.int("max_buffered_mib", default: maxBufferedBytes >> 20, in: 1...1 << 30) << 20
    let streams = grpc.int("max_concurrent_streams", default: maxConcurrentStreams, in: 0...1 << 20)
    if streams > 0 { maxConcurrentStreams = streams }
    maxConnections = grpc.int("max_connections", default: maxConnections, in: 1...1_000_000)
    if let section = grpc.section("keepalive") { keepalive = GRPCKeepalive(section) }
    if let section = grpc.section("tls"), let tls = TLSServerConfiguration(section) {
      self.tls = tls
      for (key, isWanted) in [
        ("min_version", tls.minVersion != .v1_2), ("max_version", (tls.maxVersion ?? .v1_3) != .v1_3),
      ]
      where isWanted {
        section.error(key, "gRPC speaks TLS 1.2 and 1.3, and neither can be left out")
      }
    }
    if let transport = grpc.string("transport"), transport != "tcp" {
      grpc.error("transport", "the only one here is tcp, found \"\(transport)\"")
    }
    grpc.knownButUnsupported(["read_buffer_size", "write_buffer_size", "middlewares"])
  }
}

extension GRPCKeepalive {
  /// Reads `keepalive:`.
  fileprivate init(_ section: ConfigSection) {
    self.init()
    let range = Duration.zero ... .seconds(1 << 20)
    if let server = section.section("server_parameters") {
      maxConnectionIdle = server.duration("max_connection_idle", in: range) ?? maxConnectionIdle
      maxConnectionAge = server.duration("max_connection_age", in: range) ?? maxConnectionAge
      maxConnectionAgeGrace = server.duration("max_connection_age_grace", in: range) ?? maxConnectionAgeGrace
      // As in grpc-go, 0 means the default.
      if let time = server.duration("time", in: range), time > .zero { self.time = time }
      if let timeout = server.duration("timeout", in: range), timeout > .zero { self.timeout = timeout }
    }
    if let policy = section.section("enforcement_policy") {
      if let minTime = policy.duration("min_time", in: range), minTime > .zero { self.minTime = minTime }
      permitWithoutStream = policy.bool("permit_without_stream") ?? permitWithoutStream
    }
  }
}
