import Locks

/// A few connections that read. Each question gets one to itself, and sees one state of the ledger.
final class ReaderPool: Sendable {
  private let path: String
  private let limits: LedgerReader.Limits
  private let lock = Lock()
  private let connections: Locked<Connections>

  private struct Connection {
    let database: Database
    /// What it was opened to read: the path may lead to another file by now.
    let file: FileIdentity?

    init(path: String) throws(LedgerError) {
      // Of a file that is replaced meanwhile it is the one before, and the connection is not used again.
      file = FileIdentity(path: path)
      database = try LedgerFile.openForReading(path: path)
    }
  }

  private struct Connections {
    var idle: [Connection] = []
    var busy = 0
  }

  /// - Throws: LedgerError when the file is not there, or no ledger.
  init(path: String, limits: LedgerReader.Limits) throws(LedgerError) {
    self.path = path
    self.limits = limits
    connections = Locked(Connections(idle: [try Connection(path: path)]))
  }

  /// Lends a connection within a transaction that only reads, and ends it with the body: the file cannot give up what a
  /// reader still sees.
  func read<Result>(_ body: (Database) throws(LedgerError) -> Result) throws(LedgerQueryError) -> Result {
    let connection = try take()
    let database = connection.database
    var isSound = false
    defer { give(isSound ? connection : nil) }
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

  private func take() throws(LedgerQueryError) -> Connection {
    let deadline = MonotonicClock.now() &+ limits.patience.nanoseconds
    let file = FileIdentity(path: path)
    var found: Connection?
    var mayOpen = false
    lock.withLock {
      repeat {
        connections.withLock { connections in
          connections.idle.removeAll { $0.file != file }
          found = connections.idle.popLast()
          mayOpen = found == nil && connections.busy < limits.connections
          if found != nil || mayOpen { connections.busy += 1 }
        }
      } while found == nil && !mayOpen && lock.wait(until: deadline)
    }
    if let found { return found }
    guard mayOpen else { throw .busy }
    do { return try Connection(path: path) } catch {
      give(nil)
      throw .ledger(error)
    }
  }

  /// A connection that failed is not kept.
  private func give(_ connection: Connection?) {
    lock.withLock {
      connections.withLock { connections in
        connections.busy -= 1
        if let connection { connections.idle.append(connection) }
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
