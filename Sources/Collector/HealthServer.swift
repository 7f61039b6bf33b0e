import HTTPServer
import Locks
import SelfTelemetry

/// Whether the collector takes requests, for whoever asks over HTTP: a load balancer, Kubernetes.
final class Health: Sendable {
  struct Since {
    /// RFC 3339.
    let time: String
    /// In monotonic nanoseconds.
    let moment: UInt64
  }

  private let since = Locked<Since?>(nil)

  /// Since when requests are taken; nil while none are.
  var readySince: Since? { since.withLock { $0 } }

  /// Says that requests are taken from now on. It may be said again.
  func becomeReady() {
    since.withLock { since in
      if since == nil { since = Since(time: Log.timestamp(), moment: MonotonicClock.now()) }
    }
  }

  /// Says that no requests are taken any more.
  func becomeUnready() { since.withLock { $0 = nil } }
}

/// The `health_check` extension: one address where the health is told.
final class HealthServer {
  private let server: HTTPServer

  /// Listens without answering yet.
  init(_ config: HealthCheckConfig, health: Health) throws(HTTPServerError) {
    server = try HTTPServer(
      configuration: HTTPServerConfiguration(
        host: config.host, port: config.port, workers: 1, maxConnections: 100,
        timeouts: HTTPTimeouts(idle: .seconds(120), readHeader: .seconds(10), read: .seconds(10), write: .seconds(30))),
      handler: Handler(config: config, health: health))
  }

  var address: String { server.address }
  var port: UInt16 { server.port }

  func start() throws(HTTPServerError) { try server.start() }

  func stop() {
    server.stopAccepting()
    server.stop(timeout: .zero)
  }

  private struct Handler: HTTPHandler {
    let config: HealthCheckConfig
    let health: Health

    func decide(_ head: HTTPRequestHead) -> HTTPDecision {
      guard head.path == config.path else {
        return .reject(
          HTTPResponse(status: 404, contentType: "text/plain", body: Array("the health is at \(config.path)\n".utf8)))
      }
      return .receive(limit: 64 << 10)
    }

    func handle(_ request: HTTPRequest) {
      let since = health.readySince
      let status = since == nil ? 503 : 200
      if let body = since == nil ? config.unhealthyBody : config.healthyBody {
        request.respond(HTTPResponse(status: status, contentType: "text/plain; charset=utf-8", body: Array(body.utf8)))
      } else {
        request.respond(
          HTTPResponse(status: status, contentType: "application/json", body: Array(Self.report(since).utf8)))
      }
    }

    /// What the OpenTelemetry Collector answers.
    private static func report(_ since: Health.Since?) -> String {
      guard let since else {
        return #"{"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""}"#
      }
      let uptime = text(of: .nanoseconds(Int64(MonotonicClock.now() - since.moment)))
      return #"{"status":"Server available","upSince":"\#(since.time)","uptime":"\#(uptime)"}"#
    }

    /// As Go writes durations: `1h2m3.005s`.
    private static func text(of uptime: Duration) -> String {
      let (seconds, fraction) = uptime.components
      let milliseconds = String(fraction / 1_000_000_000_000_000)
      let rest = "\(seconds % 60).\(String(repeating: "0", count: 3 - milliseconds.count))\(milliseconds)s"
      let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
      return hours > 0 ? "\(hours)h\(minutes)m\(rest)" : minutes > 0 ? "\(minutes)m\(rest)" : rest
    }
  }
}
