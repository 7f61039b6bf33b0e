import Locks

/// A few connections that read. Each question gets one to itself, and sees one state of the ledger.
final class ReaderPool: Sendable {
  private let path: String
  private let limits: LedgerReader.Limits
  private let lock = Lock()
  private let connections: Locked<Connections>

  private struct Connections {
    var idle: [Database] = []
    var busy = 0
  }

  /// - Throws: LedgerError when the file is not there, or no ledger.
  init(path: String, limits: LedgerReader.Limits) throws(LedgerError) {
    self.path = path
    self.limits = limits
    connections = Locked(Connections(idle: [try LedgerFile.openForReading(path: path)]))
  }

  /// Lends a connection within a transaction that only reads, and ends it with the body: the file cannot give up what a
  /// reader still sees.
  func read<Result>(_ body: (Database) throws(LedgerError) -> Result) throws(LedgerQueryError) -> Result {
    let database = try take()
    var isSound = false
    defer { give(isSound ? database : nil) }
    do throws(LedgerError) {
      database.setTimeLimit(limits.time)
      let result = try database.transaction(.deferred) { () throws(LedgerError) in try body(database) }
      isSound = true
      return result
    } catch {
      guard error.isInterruption else { throw .ledger(error) }
      isSound = true
      throw .tooSlow(limit: limits.time)
    }
  }

  private func take() throws(LedgerQueryError) -> Database {
    let deadline = MonotonicClock.now() &+ limits.patience.nanoseconds
    var found: Database?
    var mayOpen = false
    lock.withLock {
      repeat {
        connections.withLock { connections in
          found = connections.idle.popLast()
          mayOpen = found == nil && connections.busy < limits.connections
          if found != nil || mayOpen { connections.busy += 1 }
        }
      } while found == nil && !mayOpen && lock.wait(until: deadline)
    }
    if let found { return found }
    guard mayOpen else { throw .busy }
    do { return try LedgerFile.openForReading(path: path) } catch {
      give(nil)
      throw .ledger(error)
    }
  }

  /// A connection that failed is not kept.
  private func give(_ database: Database?) {
    lock.withLock {
      connections.withLock { connections in
        connections.busy -= 1
        if let database { connections.idle.append(database) }
      }
      lock.wakeOne()
    }
  }
}

extension LedgerError {
  /// SQLITE_INTERRUPT.
  var isInterruption: Bool {
    if case .database(_, let code, _) = self { code & 0xff == 9 } else { false }
  }
}
