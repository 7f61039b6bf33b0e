import Configuration
import Console
import EndUser
import HTTPServer
import Ledger
import OTLP
import Privacy
import SelfTelemetry

/// The ledger of a configuration, and where it is asked.
final class RunningLedger {
  let ledger: Ledger
  private let id: ComponentID
  private let keys: LedgerConfig
  /// Of its file.
  var path: String { keys.ledger.path }
  private let copies: [String]
  private let log: Log
  private let certificate: ServerCertificate?
  private var console: Console?

  /// Opens the file; nothing runs yet.
  ///
  /// - Throws: what is wrong, with its place in the configuration.
  init(
    _ defined: Defined<LedgerConfig>, of config: CollectorConfig, certificates: ServerCertificates,
    registry: MetricRegistry, log: Log
  ) throws(Diagnostic) {
    var keys = defined.value
    keys.ledger.fallback = Self.fallback(of: config)
    keys.ledger.remembersChanges =
      config.sessionsInUse.map { config.signals(handedOnBy: $0.id).contains(.logs) } ?? false
    self.keys = keys
    self.log = log
    id = defined.id
    copies = LedgerCopies.places(of: config)
    certificate = try certificates.certificate(for: keys.console == nil ? nil : keys.tls)
    do throws(LedgerError) {
      ledger = try Ledger(keys.ledger, log: log, registry: registry)
    } catch {
      throw Diagnostic(.error, at: keys.pathPosition, "extensions.\(defined.id).path: \(error)")
    }
  }

  /// Who speaks for a trace without an identity on its root is the pipelines' word; of several, the first one's.
  private static func fallback(of config: CollectorConfig) -> EndUserConfiguration.Fallback {
    config.service.pipelines.lazy.compactMap { PipelineParts($0, of: config).endUser?.configuration.fallback }.first
      ?? .topmost
  }

  /// Begins to write, and to answer.
  ///
  /// - Throws: why nobody can ask it, with the place in the configuration.
  func start() throws(Diagnostic) {
    ledger.start()
    guard let configuration = keys.console else { return }
    do {
      var limits = LedgerReader.Limits()
      limits.time = keys.maxQueryTime
      let reader = try LedgerReader(
        path: keys.ledger.path, prices: keys.ledger.prices, pseudonyms: keys.ledger.privacy.pseudonyms,
        limits: limits)
      let console = try Console(reader: reader, configuration: configuration, certificate: certificate) {
        [ledger, copies] endUser in
        ErasureReport(endUser: endUser, try ledger.forget(endUser: endUser), copies: copies)
      }
      self.console = console
      try console.start()
      log.info(
        "the ledger can be asked", ["url": "\(certificate == nil ? "http" : "https")://\(console.address)/api/v1"])
    } catch {
      throw Diagnostic(.error, at: keys.endpointPosition, "extensions.\(id).endpoint: \(error)")
    }
  }

  /// Writes what it has taken by a deadline in monotonic nanoseconds; the rest is left to the spools.
  func stop(until deadline: UInt64) {
    console?.stop()
    console = nil
    ledger.stop(until: deadline)
  }
}
