import OTLP
package import SelfTelemetry

/// What the processor needs of the disk, so that what waits survives the process and need not be in memory.
package struct EndUserStorage: Sendable {
  let reader: any RecordReader
  let journal: IdentityJournal
  let log: Log

  /// - Parameters:
  ///   - reader: the spool that has the requests which are consumed.
  ///   - journal: where identities of resolved traces are taken down.
  ///   - log: told of what can't be read back.
  package init(reader: any RecordReader, journal: IdentityJournal, log: Log) {
    self.reader = reader
    self.journal = journal
    self.log = log
  }

  /// The storage, and what reading spans back needs beside it.
  struct Access: Sendable {
    private let storage: EndUserStorage
    private let rules: SpanRules

    init(_ storage: EndUserStorage, rules: SpanRules) {
      self.storage = storage
      self.rules = rules
    }

    var journal: IdentityJournal { storage.journal }
    var log: Log { storage.log }

    func makeReader() -> SpilledReader { SpilledReader(storage.reader, .traces, rules: rules) }
  }
}
