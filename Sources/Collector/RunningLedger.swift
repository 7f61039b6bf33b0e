import Configuration
import Console
import EndUser
import Ledger
import SelfTelemetry

/// The ledger of a configuration, and where it is asked.
struct RunningLedger {
  let ledger: Ledger
  private let console: Console?

  /// Opens the file and listens; nothing runs yet.
  ///
  /// - Throws: what is wrong, with its place in the configuration.
  init(
    _ defined: Defined<LedgerConfig>, of config: CollectorConfig, registry: MetricRegistry, log: Log
  ) throws(Diagnostic) {
    var keys = defined.value
    keys.ledger.fallback = Self.fallback(of: config)
    do throws(LedgerError) {
      ledger = try Ledger(keys.ledger, log: log, registry: registry)
    } catch {
      throw Diagnostic(.error, at: keys.pathPosition, "extensions.\(defined.id).path: \(error)")
    }
    console = nil
  }

  /// Who speaks for a trace without an identity on its root is the pipelines' word; of several, the first one's.
  private static func fallback(of config: CollectorConfig) -> EndUserConfiguration.Fallback {
    config.service.pipelines.lazy.compactMap { PipelineParts($0, of: config).endUser?.configuration.fallback }.first
      ?? .topmost
  }

  func start() throws(Diagnostic) {
    ledger.start()
  }

  /// Writes what it has taken by a deadline in monotonic nanoseconds; the rest is left to the spools.
  func stop(until deadline: UInt64) {
    ledger.stop(until: deadline)
  }
}
