import Foundation
import SelfTelemetry
import Spool

extension FuzzTarget {
  /// The recovery of a spool and of a journal. The first byte chooses which file the rest is, or whether it says how a sound
  /// spool is written and damaged.
  static let spool = FuzzTarget(name: "spool") { input in
    guard let choice = input.first else { return nil }
    let rest = Array(input.dropFirst())
    let directory = FileManager.default.temporaryDirectory.path + "/heirloom-fuzz-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    do {
      switch choice % 4 {
      case 0: return try faultOfDamaged(rest, directory)
      case 1: return try faultOfFiles(["0000000000000001.log": rest], directory)
      case 2:
        _ = try written(40, directory)
        return try faultOfFiles(["0000000000000001.done": rest], directory)
      default: return try faultOfJournal(rest, directory)
      }
    } catch let error as SpoolError {
      // Only the header of another format version may end it all.
      return error.description.contains("format version") ? nil : error.description
    } catch { return "\(error)" }
  }

  private static func open(_ directory: String) throws(SpoolError) -> Spool {
    var configuration = Spool.Configuration(directory: directory)
    configuration.segmentBytes = 1000
    configuration.moveAge = .zero
    configuration.operations.sync = { _ in 0 }
    let spool = try Spool(
      configuration, budget: SpoolBudget(maxBytes: 1 << 30), log: Log { _ in }, registry: MetricRegistry(), labels: [])
    spool.reduceWith { _, _ in nil }
    return spool
  }

  private static func payload(_ number: Int) -> [UInt8] {
    [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: number * 37 % 500 + 1)
  }

  /// Writes so many records, of which each third is done. Returns the payloads by sequence number.
  private static func written(_ count: Int, _ directory: String) throws -> [UInt64: [UInt8]] {
    let spool = try open(directory)
    var payloads: [UInt64: [UInt8]] = [:]
    for number in 0..<count {
      let payload = payload(number)
      let record = try payload.withUnsafeBytes { try spool.append([$0], unitCount: 70) }
      payloads[record.sequence] = payload
      record.markDone(number % 70, count: 1)
      if number % 3 == 0 { record.markAllDone() }
    }
    spool.stop()
    return payloads
  }

  /// What is replayed, twice: the second start must see the same.
  private static func replayed(_ directory: String) throws -> [UInt64: [UInt8]] {
    var results: [[UInt64: [UInt8]]] = []
    for _ in 0..<2 {
      let spool = try open(directory)
      var payloads: [UInt64: [UInt8]] = [:]
      spool.replay {
        payloads[$0.record.sequence] = Array($0.payload)
        return true
      }
      spool.maintain()
      spool.stop()
      results.append(payloads)
    }
    struct Unstable: Error {}
    guard results[0] == results[1] else { throw Unstable() }
    return results[0]
  }

  /// The input: pairs of a place (three bytes) and what is done there to the log.
  private static func faultOfDamaged(_ input: [UInt8], _ directory: String) throws -> String? {
    let payloads = try written(20, directory)
    let files = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0 != "lock" }.sorted()
    var changes = input[...]
    while changes.count >= 4 {
      let change = Array(changes.prefix(4))
      changes = changes.dropFirst(4)
      let file = directory + "/" + files[Int(change[0]) % files.count]
      var bytes = [UInt8](try Data(contentsOf: URL(filePath: file)))
      guard !bytes.isEmpty else { continue }
      let place = (Int(change[1]) << 8 | Int(change[2])) % bytes.count
      switch change[3] {
      case 0: bytes.removeSubrange(place...)
      case 1: bytes.remove(at: place)
      case 2: bytes += bytes[place...]
      default: bytes[place] ^= change[3]
      }
      try Data(bytes).write(to: URL(filePath: file))
    }
    for (sequence, payload) in try replayed(directory) where payloads[sequence] != payload {
      return "record \(sequence) has another payload"
    }
    return nil
  }

  private static func faultOfFiles(_ files: [String: [UInt8]], _ directory: String) throws -> String? {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    for (name, bytes) in files { try Data(bytes).write(to: URL(filePath: directory + "/" + name)) }
    _ = try replayed(directory)
    return nil
  }

  private static func faultOfJournal(_ bytes: [UInt8], _ directory: String) throws -> String? {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(filePath: directory + "/0000000000000001.journal"))
    let journal = try Journal(
      Journal.Configuration(directory: directory, lifetime: .max / 2), budget: SpoolBudget(maxBytes: 1 << 30),
      log: Log { _ in }, registry: MetricRegistry(), labels: [])
    defer { journal.close() }
    var total = 0
    journal.replay { entry, _ in total += entry.count }
    return total <= bytes.count ? nil : "more came out than there was"
  }
}
