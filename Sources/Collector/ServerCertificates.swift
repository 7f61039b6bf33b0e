import Configuration
import HTTPServer
import Locks
import SelfTelemetry
import TLS

/// The certificates that this process shows, whatever configuration runs: files that have become wrong cost no server the
/// certificate that it has, not even over a reload.
final class ServerCertificates: @unchecked Sendable {
  // Sendable: the mutable properties are touched only under `lock`.

  private struct Entry {
    let certificate: ServerCertificate
    /// When the files are looked at next, in monotonic nanoseconds; nil for not until a reload.
    var due: UInt64?

    init(_ certificate: ServerCertificate) {
      self.certificate = certificate
      schedule()
    }

    mutating func schedule() {
      due = certificate.configuration.reloadInterval.map { MonotonicClock.now() &+ $0.nanoseconds }
    }
  }

  private let log: Log
  private let lock = Lock()
  private var entries: [Entry] = []
  private var thread: BackgroundThread?
  private var isStarted = false
  private var isStopping = false

  /// - Parameter log: is told what becomes of files that have changed.
  init(log: Log) {
    self.log = log
  }

  /// The certificate of a server that speaks TLS, read from its files unless it is known; nil for a server that does not.
  ///
  /// - Throws: what is wrong with the files, with its place in the configuration.
  func certificate(for tls: ServerTLS?) throws(Diagnostic) -> ServerCertificate? {
    guard let tls else { return nil }
    let known = lock.withLock { entries.first { $0.certificate.configuration == tls.configuration } }
    if let known { return known.certificate }
    do throws(TLSFault) {
      let entry = Entry(try ServerCertificate(tls.configuration))
      lock.withLock {
        entries.append(entry)
        watch()
      }
      return entry.certificate
    } catch {
      throw tls.diagnostic(of: error)
    }
  }

  /// Forgets all but these.
  func keep(only used: [ServerTLS]) {
    lock.withLock {
      entries.removeAll { entry in !used.contains { $0.configuration == entry.certificate.configuration } }
    }
  }

  /// Looks for new files now.
  func renew() {
    for certificate in lock.withLock({ entries.map(\.certificate) }) { renew(certificate) }
  }

  /// Looks for new files from now on, as often as each server wants it.
  func start() {
    lock.withLock {
      isStarted = true
      watch()
    }
  }

  /// Looks no more.
  func stop() {
    let running = lock.withLock { () -> BackgroundThread? in
      isStopping = true
      lock.wakeAll()
      return thread.take()
    }
    running?.join()
  }

  private func renew(_ certificate: ServerCertificate) {
    let file = certificate.configuration.certFile
    switch certificate.renew() {
    case .unchanged: break
    case .renewed: log.info("new connections get the new certificate", ["cert_file": file])
    case .failed(let fault):
      log.error(
        "the new certificate is not right, the old one stays",
        ["cert_file": file, "problem": "\(fault.part.rawValue): \(fault)"])
    }
  }

  // MARK: - The thread

  /// Starts the thread if there is something to look at, or has it see that there is more. The lock is held.
  private func watch() {
    if thread == nil, isStarted, !isStopping, entries.contains(where: { $0.due != nil }) {
      thread = BackgroundThread(name: "certificates") { [self] in run() }
    }
    lock.wakeAll()
  }

  private func run() {
    while let due = next() {
      for certificate in due { renew(certificate) }
    }
  }

  /// Waits for certificates whose time has come; nil at the end.
  private func next() -> [ServerCertificate]? {
    lock.withLock {
      while !isStopping {
        let now = MonotonicClock.now()
        let due = entries.indices.filter { entries[$0].due.map { $0 <= now } ?? false }
        if !due.isEmpty {
          for position in due { entries[position].schedule() }
          return due.map { entries[$0].certificate }
        }
        _ = lock.wait(until: entries.compactMap(\.due).min())
      }
      return nil
    }
  }
}
