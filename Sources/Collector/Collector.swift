import Configuration
import HTTPServer
import Locks
import OTLP
import SelfTelemetry
import Spool
import Synchronization

/// A running collector: listeners, and behind them what a configuration makes, which another configuration may replace
/// while requests come.
final class Collector: @unchecked Sendable {
  // Sendable: one thread at a time starts, reloads and stops; `isStopWanted` is atomic.

  /// The longest that requests wait while the pipelines are exchanged.
  static let longestHold = Duration.seconds(5)
  /// The longest that the start waits for what an earlier run left.
  private static let longestReplay = Duration.seconds(10)

  private let log: Log
  private let registry: MetricRegistry
  private let notifier: ServiceNotifier
  private let isCancelled: @Sendable () -> Bool
  private let interner = ScopeInterner()
  private let certificates: ServerCertificates
  private let listeners: Listeners
  private let health = Health()
  private let healthServers: HealthServers
  private let isStopWanted = Atomic<Bool>(false)
  /// What runs, or should.
  private var config: CollectorConfig
  private var lock: DirectoryLock?
  /// Nil while nothing runs.
  private var assembly: Assembly?

  /// Builds every component, binds every address and opens what is on disk; nothing runs yet.
  ///
  /// - Parameters:
  ///   - config: checked.
  ///   - log: the collector's own log.
  ///   - registry: the collector's own metrics.
  ///   - notifier: told when it is ready and when it is not.
  ///   - isCancelled: asked during the start, which it ends early.
  /// - Throws: what is wrong, with the place in the configuration.
  init(
    _ config: CollectorConfig, log: Log, registry: MetricRegistry = MetricRegistry(),
    notifier: ServiceNotifier = ServiceNotifier(socketName: nil),
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws(Diagnostic) {
    self.config = config
    self.log = log
    self.registry = registry
    self.notifier = notifier
    self.isCancelled = isCancelled
    ProcessMetrics.register(in: registry)
    certificates = ServerCertificates(log: log)
    listeners = Listeners(interner: interner, certificates: certificates, registry: registry, log: log)
    healthServers = HealthServers(health: health, log: log)
    try listeners.bind(config)
    assembly = try assemble(config)
  }

  /// Starts everything, and opens the receivers when what an earlier run left has gone into the pipelines.
  ///
  /// - Throws: what could not be started; what had been started is stopped again.
  func start() throws(Diagnostic) {
    certificates.start()
    do throws(Diagnostic) {
      // Whoever asks during a long replay hears that it is not ready yet.
      try healthServers.serve(config)
      try run(config, replayUntil: MonotonicClock.now() + Self.longestReplay.nanoseconds)
    } catch {
      stopAll(timeout: .zero)
      throw error
    }
    guard !isStopping else { return }
    log.info("Everything is ready. Begin running and processing data.")
    health.becomeReady()
    notifier.tell(.ready, status: "receiving on \(listeners.addresses)")
  }

  /// Stops receiving, and brings everything to its destination, in `shutdown_timeout` at most: without a storage what waits
  /// as well, else the next start finds it.
  func stop() {
    log.info("stopping: draining what is held", ["shutdown_timeout": "\(config.service.shutdownTimeout)"])
    health.becomeUnready()
    notifier.tell(.stopping, status: "draining what is held")
    stopAll(timeout: config.service.shutdownTimeout)
    log.info("stopped")
  }

  private func stopAll(timeout: Duration) {
    let deadline = MonotonicClock.now() + timeout.nanoseconds
    if assembly == nil { listeners.refuse() }
    // Requests under way get a part of the time: what they bring must still be delivered.
    listeners.close(allBut: nil, timeout: timeout / 4)
    assembly?.stop(timeout: .nanoseconds(Int64(deadline) - Int64(min(MonotonicClock.now(), deadline))))
    assembly = nil
    lock = nil
    listeners.closeMetrics()
    certificates.stop()
    healthServers.stop()
  }

  /// Cuts a reload short, from any thread: `stop` follows.
  func prepareToStop() { isStopWanted.store(true, ordering: .sequentiallyConsistent) }

  private var isStopping: Bool { isStopWanted.load(ordering: .sequentiallyConsistent) || isCancelled() }

  // MARK: - Reloading

  /// Puts another configuration in the place of the one that runs. If that fails, the old one goes on.
  ///
  /// - Parameter next: checked.
  /// - Returns: whether one of them runs.
  func reload(_ next: CollectorConfig) -> Reloader.Outcome {
    notifier.tell(.reloading, status: "changing the configuration")
    certificates.renew()
    defer { certificates.keep(only: config.serverTLS) }
    do throws(Diagnostic) {
      for tls in next.serverTLS { _ = try certificates.certificate(for: tls) }
      try listeners.bind(next, ahead: true)
    } catch {
      log.error("the new configuration cannot run, the old one goes on", ["problem": "\(error)"])
      listeners.close(allBut: config, timeout: .zero)
      return settled()
    }
    do throws(Diagnostic) {
      try exchange(for: next)
      log.change(level: next.service.logLevel, encoding: next.service.logEncoding)
      reportLeftBehind(by: config, for: next)
      config = next
      if !isStopping { log.info("the configuration was reloaded") }
      return settled()
    } catch {
      log.error("the new configuration cannot run, going back to the old one", ["problem": "\(error)"])
      return mend()
    }
  }

  /// Says why the configuration stays as it is.
  func keep(because problems: [Diagnostic]) -> Reloader.Outcome {
    for problem in problems {
      log.error("the new configuration is not right, the old one goes on", ["problem": "\(problem)"])
    }
    guard assembly != nil else { return .broken }
    notifier.tell(
      .ready, status: "receiving on \(listeners.addresses); the new configuration is not right: see the log")
    return .running
  }

  /// Starts what should run and does not.
  func mend() -> Reloader.Outcome {
    guard !isStopping else { return .running }
    do throws(Diagnostic) {
      try exchange(for: config)
      log.info("the configuration from before runs again")
      return settled()
    } catch {
      health.becomeUnready()
      log.error("nothing runs: trying again soon", ["problem": "\(error)"])
      return .broken
    }
  }

  private func settled() -> Reloader.Outcome {
    guard assembly != nil else { return .broken }
    if !isStopping {
      health.becomeReady()
      notifier.tell(.ready, status: "receiving on \(listeners.addresses)")
    }
    return .running
  }

  /// Stops what runs, and runs a configuration in its place. Requests to listeners that stay are held meanwhile.
  private func exchange(for next: CollectorConfig) throws(Diagnostic) {
    let old = config.service
    // Whatever is safe on disk need not delay the requests that are held.
    let timeout = old.durability == .memory ? old.shutdownTimeout : min(old.shutdownTimeout, .seconds(3))
    if assembly == nil { listeners.refuse() }
    listeners.close(allBut: next, timeout: timeout / 4)
    let heldUntil = MonotonicClock.now() + Self.longestHold.nanoseconds
    listeners.hold(until: heldUntil)
    assembly?.stop(timeout: timeout)
    assembly = nil
    guard !isStopping else { return }
    do throws(Diagnostic) {
      try listeners.bind(next)
      try healthServers.serve(next)
      assembly = try assemble(next)
      // A part of the time is for what is held.
      try run(next, replayUntil: heldUntil - Duration.seconds(1).nanoseconds)
    } catch {
      assembly?.stop(timeout: .zero)
      assembly = nil
      throw error
    }
  }

  private func assemble(_ config: CollectorConfig) throws(Diagnostic) -> Assembly {
    let service = config.service
    if service.durability == .memory {
      // Others may have the directory now.
      lock = nil
    } else if lock?.directory != service.storage.directory {
      do {
        // First of all: another path may lead to the same directory.
        lock = nil
        lock = try DirectoryLock(service.storage.directory)
      } catch {
        throw Diagnostic(.error, at: service.storage.position, "service.storage.directory: \(error)")
      }
    }
    return try Assembly(
      config, lock: lock, interner: interner, certificates: certificates, registry: registry, log: log)
  }

  /// Starts the assembly, and opens the listeners to it.
  private func run(_ config: CollectorConfig, replayUntil deadline: UInt64) throws(Diagnostic) {
    guard let assembly else { return }
    try assembly.start()
    assembly.waitForReplay(until: deadline) { isStopping }
    guard !isStopping else { return }
    do {
      try listeners.open(assembly)
    } catch {
      throw Diagnostic(.error, at: Position(source: "configuration"), "\(error)")
    }
  }

  /// Tells of a storage directory that is no longer used.
  private func reportLeftBehind(by old: CollectorConfig, for next: CollectorConfig) {
    guard old.service.durability != .memory,
      next.service.durability == .memory || next.service.storage.directory != old.service.storage.directory
    else { return }
    log.warn(
      "what waits in the old storage directory stays there until a configuration names it again",
      ["directory": old.service.storage.directory])
  }
}
