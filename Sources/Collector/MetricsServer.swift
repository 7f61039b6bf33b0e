import Glibc
import HTTPServer
import Locks
import Pipeline
import SelfTelemetry

/// Serves the collector's own metrics at `/metrics`, for Prometheus.
final class MetricsServer {
  private let server: HTTPServer

  /// Listens without answering yet.
  init(host: String, port: UInt16, registry: MetricRegistry) throws(HTTPServerError) {
    server = try HTTPServer(
      configuration: HTTPServerConfiguration(
        host: host, port: port, workers: 1, maxConnections: 100,
        timeouts: HTTPTimeouts(idle: .seconds(120), readHeader: .seconds(10), read: .seconds(10), write: .seconds(30))),
      handler: Handler(registry: registry))
  }

  var address: String { server.address }

  func start() throws(HTTPServerError) { try server.start() }

  func stop() {
    server.stopAccepting()
    server.stop(timeout: .zero)
  }

  private struct Handler: HTTPHandler {
    let registry: MetricRegistry

    func decide(_ head: HTTPRequestHead) -> HTTPDecision {
      guard head.path == "/metrics" else {
        return .reject(Self.text(404, "metrics are at /metrics\n"))
      }
      guard head.method == "GET" || head.method == "HEAD" else {
        return .reject(Self.text(405, "metrics are read with GET\n", headers: [("Allow", "GET, HEAD")]))
      }
      return .receive(limit: 0)
    }

    func handle(_ request: HTTPRequest) {
      request.respond(Self.text(200, registry.prometheusText(), type: "text/plain; version=0.0.4; charset=utf-8"))
    }

    private static func text(
      _ status: Int, _ body: String, type: String = "text/plain; charset=utf-8",
      headers: [(name: String, value: String)] = []
    ) -> HTTPResponse {
      HTTPResponse(status: status, contentType: type, headers: headers, body: Array(body.utf8))
    }
  }
}

/// What the process itself uses, under the OpenTelemetry Collector's names.
enum ProcessMetrics {
  static func register(in registry: MetricRegistry) {
    let started = MonotonicClock.now()
    registry.gauge("otelcol_process_uptime", help: "Seconds since the start.") {
      Double(MonotonicClock.now() - started) / 1e9
    }
    registry.gauge("otelcol_process_memory_rss", help: "Resident memory in bytes.") {
      Double(MemoryLimiter.residentBytes())
    }
    registry.gauge("otelcol_process_cpu_seconds", help: "CPU time of the process in seconds.") {
      var time = timespec()
      clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
  }
}
